"""Prices part by part: exact, never negative, never above the base."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from backend.catalog.types import VariantId
from backend.catalog.types.quantity_prices import QuantityPrice, price_of_one
from backend.growth.types import WHOLE, Discount
from backend.kernel.money import CurrencyMismatch, Money
from backend.orders.errors import OrderTooLarge
from backend.orders.rules.pricing import UnpricedLine, apportion, price
from backend.orders.types.prices import PartKind, Priced
from tests.factories.wallet import usd

VARIANTS = [VariantId(UUID(int=n)) for n in range(6)]
UNITS = st.integers(0, 10**12)


@st.composite
def unpriced_lines(draw: st.DrawFn) -> list[UnpricedLine]:
    chosen = draw(st.lists(st.sampled_from(VARIANTS), min_size=1, unique=True))
    amounts = st.none() | UNITS.map(usd)
    return [
        UnpricedLine(
            variant_id=variant,
            quantity=draw(st.integers(1, 1000)),
            unit_price=usd(draw(UNITS)),
            reseller_price=draw(amounts),
            quantity_price=draw(amounts),
            already_paid=draw(amounts),
        )
        for variant in chosen
    ]


@st.composite
def discount_sets(draw: st.DrawFn) -> list[Discount]:
    scopes = st.none() | st.frozensets(st.sampled_from(VARIANTS))
    names = draw(st.lists(st.text("abc", min_size=1, max_size=3), max_size=5, unique=True))
    return [
        Discount(id=name, basis_points=draw(st.integers(1, WHOLE)), variants=draw(scopes))
        if draw(st.booleans())
        else Discount(id=name, amount=usd(draw(st.integers(1, 10**15))), variants=draw(scopes))
        for name in names
    ]


def line(amount: int, quantity: int = 1, variant: int = 0, **more: Money) -> UnpricedLine:
    return UnpricedLine(variant_id=VARIANTS[variant], quantity=quantity, unit_price=usd(amount), **more)


def off(priced: Priced, kind: PartKind) -> list[int]:
    parts_of_lines = [{part.kind: -part.amount.amount for part in line.parts} for line in priced.lines]
    return [parts.get(kind, 0) for parts in parts_of_lines]


@given(unpriced_lines(), discount_sets())
def test_any_order_adds_up(unpriced: list[UnpricedLine], discounts: list[Discount]) -> None:
    priced = price(unpriced, discounts)
    assert sum(line.total.amount for line in priced.lines) == priced.total.amount
    for item, priced_line in zip(unpriced, priced.lines, strict=True):
        kinds = [part.kind for part in priced_line.parts]
        base, *others = (part.amount.amount for part in priced_line.parts)
        assert sum(part.amount.amount for part in priced_line.parts) == priced_line.total.amount
        assert 0 <= priced_line.total.amount <= base
        assert kinds == sorted(set(kinds), key=list(PartKind).index)
        assert kinds[0] is PartKind.BASE
        assert all(other < 0 for other in others)
        assert base == priced_line.unit_price.amount * item.quantity
        assert priced_line.quantity == item.quantity


@given(unpriced_lines(), discount_sets(), st.data())
def test_the_order_in_which_discounts_are_passed_changes_nothing(
    unpriced: list[UnpricedLine], discounts: list[Discount], data: st.DataObject
) -> None:
    assert price(unpriced, data.draw(st.permutations(discounts))) == price(unpriced, discounts)


@given(unpriced_lines(), discount_sets())
def test_the_best_discount_is_used_and_no_other(unpriced: list[UnpricedLine], discounts: list[Discount]) -> None:
    alone = [sum(off(price(unpriced, [discount]), PartKind.PROMO)) for discount in discounts]
    used = price(unpriced, discounts)
    assert sum(off(used, PartKind.PROMO)) == max(alone, default=0)
    assert (used.discount is None) == (max(alone, default=0) == 0)


@given(unpriced_lines(), st.integers(1, WHOLE))
@example([line(399, 25)], 1000)
def test_a_percentage_is_that_of_the_sum_rounded_down(unpriced: list[UnpricedLine], points: int) -> None:
    plain = price([_without_paid(item) for item in unpriced])
    cheaper = price(unpriced, [Discount(id="x", basis_points=points)])
    shares = off(cheaper, PartKind.PROMO)
    assert sum(shares) == plain.total.amount * points // WHOLE
    for share, item in zip(shares, plain.lines, strict=True):
        exact = item.total.amount * points
        assert exact // WHOLE <= share <= -(-exact // WHOLE)


@given(unpriced_lines(), st.integers(1, 10**15))
def test_an_amount_is_taken_off_whole_or_up_to_nothing(unpriced: list[UnpricedLine], amount: int) -> None:
    plain = price([_without_paid(item) for item in unpriced]).total.amount
    assert sum(off(price(unpriced, [Discount(id="x", amount=usd(amount))]), PartKind.PROMO)) == min(amount, plain)


@given(unpriced_lines(), discount_sets())
def test_a_discount_leaves_other_variants_alone(unpriced: list[UnpricedLine], discounts: list[Discount]) -> None:
    priced = price(unpriced, discounts)
    assume(priced.discount is not None)
    for item, share in zip(unpriced, off(priced, PartKind.PROMO), strict=True):
        assert priced.discount is not None
        assert share == 0 or priced.discount.covers(item.variant_id)


@given(st.lists(st.integers(0, 10**15), max_size=50), st.integers(0, 10**6), st.integers(1, 10**6))
def test_shares_come_to_the_whole(amounts: Sequence[int], numerator: int, denominator: int) -> None:
    assume(numerator <= denominator)
    shares = apportion(amounts, numerator, denominator)
    assert sum(shares) == sum(amounts) * numerator // denominator
    assert all(0 <= share <= amount for share, amount in zip(shares, amounts, strict=True))
    more, same = [], []
    for amount, share in zip(amounts, shares, strict=True):
        down, remainder = divmod(amount * numerator, denominator)
        assert share in {down, down + 1}
        (same if share == down else more).append(remainder)
    assert min(more, default=denominator) >= max(same, default=0)


def test_a_plain_price_has_one_part() -> None:
    (only,) = price([line(720, 3)]).lines
    assert [(part.kind, part.amount) for part in only.parts] == [(PartKind.BASE, usd(2160))]


def test_a_free_thing_has_a_base_of_nothing() -> None:
    (only,) = price([line(0, 3)], [Discount(id="x", basis_points=WHOLE)]).lines
    assert ([part.kind for part in only.parts], only.total) == ([PartKind.BASE], usd(0))


def test_all_parts_at_once_in_their_order() -> None:
    unpriced = line(1000, 2, reseller_price=usd(900), quantity_price=usd(850), already_paid=usd(600))
    (priced_line,) = price([unpriced], [Discount(id="x", basis_points=1000)]).lines
    assert [(part.kind.value, part.amount.amount) for part in priced_line.parts] == [
        ("base", 2000), ("reseller", -200), ("quantity", -100), ("promo", -170), ("already_paid", -600),
    ]  # fmt: skip
    assert priced_line.total == usd(930)


def test_a_reseller_price_above_the_public_one_is_the_base() -> None:
    (priced_line,) = price([line(500, 2, reseller_price=usd(600))]).lines
    assert ([part.amount for part in priced_line.parts], priced_line.unit_price) == ([usd(1200)], usd(600))


@given(unpriced_lines())
def test_a_buyer_pays_the_lowest_of_the_prices_for_one(unpriced: list[UnpricedLine]) -> None:
    for item, priced_line in zip(unpriced, price([_without_paid(item) for item in unpriced]).lines, strict=True):
        prices = [item.unit_price if item.reseller_price is None else item.reseller_price]
        prices += [] if item.quantity_price is None else [item.quantity_price]
        assert priced_line.total.amount == min(prices).amount * item.quantity


STEPS = (QuantityPrice(10, usd(450)), QuantityPrice(50, usd(400)))


@pytest.mark.parametrize(("quantity", "single", "each"), [
    (1, 500, 500), (9, 500, 500), (10, 500, 450), (49, 500, 450), (50, 500, 400), (1000, 500, 400),
    (10, 440, 440), (50, 440, 400), (50, 390, 390),
])  # fmt: skip
def test_a_larger_order_pays_the_price_of_its_step_unless_its_buyer_pays_less(
    quantity: int, single: int, each: int
) -> None:
    assert price_of_one(usd(single), STEPS, quantity) == usd(each)


@given(st.integers(0, 600), st.integers(1, 999))
def test_the_price_of_one_never_rises_with_the_quantity(single: int, quantity: int) -> None:
    assert price_of_one(usd(single), STEPS, quantity + 1) <= price_of_one(usd(single), STEPS, quantity)


def test_a_promo_code_counts_on_the_price_of_the_quantity_whatever_its_scope() -> None:
    unpriced = [line(500, 10, quantity_price=usd(450)), line(300, variant=1)]
    inside = Discount(id="x", basis_points=1000, variants=frozenset({VARIANTS[0]}))
    assert off(price(unpriced, [inside]), PartKind.PROMO) == [450, 0]


def test_what_was_paid_before_counts_up_to_what_is_left() -> None:
    priced = price([line(1000, already_paid=usd(950))], [Discount(id="x", amount=usd(100))])
    assert (off(priced, PartKind.PROMO), off(priced, PartKind.ALREADY_PAID)) == ([100], [900])
    assert priced.total == usd(0)


def test_of_equal_discounts_always_the_same_one_is_used() -> None:
    by_name = [Discount(id=name, amount=usd(5)) for name in "ba"]
    used = price([line(100)], by_name).discount
    assert used is not None
    assert used.id == "a"


def test_remainders_go_to_the_largest_then_to_the_first() -> None:
    unpriced = [line(199, variant=n) for n in range(3)]
    assert off(price(unpriced, [Discount(id="x", basis_points=1000)]), PartKind.PROMO) == [20, 20, 19]
    uneven = [line(1000), line(9, variant=1)]
    assert off(price(uneven, [Discount(id="x", basis_points=1000)]), PartKind.PROMO) == [100, 0]


def test_a_discount_never_exceeds_what_it_says() -> None:
    (priced_line,) = price([line(1)], [Discount(id="x", basis_points=WHOLE - 1)]).lines
    assert priced_line.total == usd(1)


def test_a_sum_beyond_a_bigint_is_refused() -> None:
    most = 2**63 - 1
    assert price([line(most)]).total == usd(most)
    with pytest.raises(OrderTooLarge):
        price([line(most, 2)])
    with pytest.raises(OrderTooLarge):
        price([line(most), line(1, variant=1)])


def test_currencies_do_not_mix() -> None:
    euro = UnpricedLine(variant_id=VARIANTS[1], quantity=1, unit_price=Money(1, "EUR"))
    with pytest.raises(CurrencyMismatch):
        price([line(1), euro])
    with pytest.raises(CurrencyMismatch):
        price([line(1)], [Discount(id="x", amount=Money(1, "EUR"))])
    with pytest.raises(CurrencyMismatch):
        line(1, reseller_price=Money(1, "EUR"))


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_line_has_a_quantity(quantity: int) -> None:
    with pytest.raises(ValueError, match="quantity"):
        line(100, quantity)


@pytest.mark.parametrize("name", ["reseller_price", "already_paid"])
def test_no_amount_is_negative(name: str) -> None:
    with pytest.raises(ValueError, match="negative"):
        line(100, **{name: usd(-1)})


def test_an_order_has_a_line() -> None:
    with pytest.raises(ValueError, match="at least one"):
        price([])


@pytest.mark.parametrize(
    ("points", "amount"), [(0, None), (-1, None), (WHOLE + 1, None), (0, usd(0)), (0, usd(-5)), (100, usd(5))]
)
def test_a_discount_is_a_share_or_an_amount(points: int, amount: Money | None) -> None:
    with pytest.raises(ValueError, match="share"):
        Discount(id="x", basis_points=points, amount=amount)


def _without_paid(item: UnpricedLine) -> UnpricedLine:
    return UnpricedLine(
        variant_id=item.variant_id,
        quantity=item.quantity,
        unit_price=item.unit_price,
        reseller_price=item.reseller_price,
        quantity_price=item.quantity_price,
    )
