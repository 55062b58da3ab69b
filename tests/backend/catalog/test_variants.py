"""Variants that admins edit: versions, races, and what buyers keep."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.errors import OwnEditor, VariantEdited
from backend.catalog.rules import variants as rules
from backend.catalog.types import ChoiceKind, ProductId, StockKind, VariantId
from backend.catalog.types.quantity_prices import QuantityPrice, price_of_one
from backend.catalog.types.variants import HintCode, VariantDraft, VariantRecord
from backend.identity.types import Actor
from backend.infra import audit
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid
from backend.kernel.ids import new_id
from backend.kernel.money import Money
from tests.factories.catalog import add_variant, buyer, catalog_services, import_rows
from tests.factories.catalog import product as row

SYSTEM = Actor.system()


def usd(text: str) -> Money:
    """Dollars."""
    return Money.parse(text, "USD")


def draft(price: str = "5", **changes: object) -> VariantDraft:
    """A variant of three months."""
    fields = {"name": {"en": "3 months"}, "note": {}, "price": usd(price)}
    return VariantDraft(**{**fields, **changes})  # type: ignore[arg-type]


def record(name: str, price: str) -> VariantRecord:
    """A stored variant."""
    return VariantRecord(
        id=VariantId(new_id()), product_id=ProductId(new_id()), code="x", version=1, hidden=False, archived_at=None,
        draft=draft(price, name={"en": name}), available=None, cost=None,
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 1100), st.integers(-5, 600)), max_size=12), st.integers(0, 600))
def test_a_ladder_that_passes_never_makes_more_cost_more_each(steps: list[tuple[int, int]], price: int) -> None:
    ladder = tuple(QuantityPrice(quantity, Money(each, "USD")) for quantity, each in steps)
    one = draft(price=str(price / 100), quantity_prices=ladder)
    try:
        rules.check(one, StockKind.UNIQUE_KEYS, "USD")
    except Invalid as refusal:
        assert set(refusal.fields) <= {f"{name}_{place}" for name in ("from", "each") for place in range(len(steps))}
        return
    stored = sorted(ladder, key=lambda step: step.quantity)
    prices = [price_of_one(one.price, stored, quantity) for quantity in range(1, 1001)]
    assert prices == sorted(prices, reverse=True) and len({step.quantity for step in stored}) == len(stored) <= 10
    for step in stored:
        assert price_of_one(one.price, stored, step.quantity) == step.price < one.price


@pytest.mark.parametrize(
    ("name", "choice", "size"),
    [
        ("1 month", ChoiceKind.DURATION, 30),
        ("12 Months", ChoiceKind.DURATION, 360),
        ("2 weeks", ChoiceKind.DURATION, 14),
        ("1 year", ChoiceKind.DURATION, 365),
        ("Lifetime", ChoiceKind.DURATION, float("inf")),
        ("5 devices", ChoiceKind.DURATION, None),
        ("$50", ChoiceKind.AMOUNT, 50),
        ("١٠٠ coins", ChoiceKind.AMOUNT, 100),
        ("Small", ChoiceKind.AMOUNT, None),
        ("3 months", ChoiceKind.OPTION, None),
    ],
)
def test_the_size_in_a_name(name: str, choice: ChoiceKind, size: float | None) -> None:
    assert rules.size_of(draft(name={"en": name}), choice) == size


def test_hints_name_the_variant_that_a_price_contradicts() -> None:
    others = [record("1 month", "2.99"), record("6 months", "4")]
    codes = [one.code for one in rules.hints(draft("5"), ChoiceKind.DURATION, others, usd("6"))]
    assert codes == [HintCode.BELOW_COST, HintCode.DEARER_THAN_LARGER]
    cheap = rules.hints(draft("2"), ChoiceKind.DURATION, others, None)
    assert [(one.code, one.other["en"]) for one in cheap] == [(HintCode.CHEAPER_THAN_SMALLER, "1 month")]
    assert rules.hints(draft("3.50"), ChoiceKind.DURATION, others, None) == []


def test_an_amount_of_another_currency_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        rules.check(draft(reseller_price=Money(100, "EUR")), StockKind.UNIQUE_KEYS, "USD")
    assert refused.value.fields == {"reseller_price": "currency"}


def test_codes_are_made_of_names_and_never_taken() -> None:
    assert rules.new_code("6 Months!", []) == "6-months"
    assert rules.new_code("شهر", ["variant"]) == "variant-2"
    assert rules.new_code("a" * 60, ["a" * 32]) == "a" * 30 + "-2"


async def test_of_two_admins_one_changes_a_variant(real: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(real, ring)
    variant = await add_variant(services, price="5.00")
    product = (await services.storefront.product(buyer(), "card")).id
    changes = [draft("6"), draft("7")]
    done = await asyncio.gather(
        *(services.variants.change(SYSTEM, product, variant, one, version=1) for one in changes), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["NoneType", "VariantEdited"]
    stored = await services.variants.get(SYSTEM, product, variant)
    assert stored.version == 2 and stored.draft.price in {usd("6"), usd("7")}
    async with real.read() as tx:
        (entry,) = await audit.list_entries(tx, "catalogue.change_variant", limit=9)
    assert entry.params["changes"]["price_amount"] == [500, stored.draft.price.amount]


async def test_the_same_change_again_is_no_conflict_and_an_import_raises_the_version(
    uow: UnitOfWork, ring: KeyRing
) -> None:
    services = catalog_services(uow, ring)
    variant = await add_variant(services, price="5.00")
    product = (await services.storefront.product(buyer(), "card")).id
    for _ in range(2):
        await services.variants.change(SYSTEM, product, variant, draft("6"), version=1)
    await add_variant(services, price="8.00")
    with pytest.raises(VariantEdited):
        await services.variants.change(SYSTEM, product, variant, draft("9"), version=2)
    stored = await services.variants.get(SYSTEM, product, variant)
    assert stored.draft.price == usd("8")


async def test_an_import_that_sells_an_archived_variant_takes_it_from_the_bin(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    variant = await add_variant(services)
    product = (await services.storefront.product(buyer(), "card")).id
    await services.variants.archive(SYSTEM, product, variant)
    assert (await services.variants.list_of(SYSTEM, product)).variants == []
    await add_variant(services, hidden="no")
    stored = await services.variants.get(SYSTEM, product, variant)
    assert stored.archived_at is None and not stored.hidden


async def test_two_taps_at_once_add_one_variant(real: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(real, ring)
    await add_variant(services)
    product = (await services.storefront.product(buyer(), "card")).id
    added = VariantId(new_id())
    await asyncio.gather(*(services.variants.add(SYSTEM, product, added, draft()) for _ in range(4)))
    listed = (await services.variants.list_of(SYSTEM, product)).variants
    assert [one.code for one in listed] == ["one", "3-months"]


async def test_plans_of_a_course_have_their_own_editor(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    variant = await add_variant(services)
    product = (await services.storefront.product(buyer(), "card")).id

    await import_rows(services, [row("card", kind="course")])
    with pytest.raises(OwnEditor):
        await services.variants.archive(SYSTEM, product, variant)
