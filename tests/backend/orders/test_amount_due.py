"""What an order still costs, and what each payment method charges for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bootstrap import make_fulfillers
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid, NotFound
from backend.orders import rules
from backend.orders.errors import OrderNotPayable
from backend.orders.service import OrdersServices
from backend.payments.types import Capabilities, PaymentMethod
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import HUGE, usd
from tests.fakes.clock import FakeClock

CENTS = st.integers(0, 10**12)
TAP = "tap-0000001"


def method(minimum: int, name: str = "demo") -> PaymentMethod:
    return PaymentMethod(name=name, minimum=usd(minimum), maximum=usd(10**13), wait_seconds=0, asset="USD")


METHODS = st.lists(st.integers(1, 10**6), max_size=4).map(lambda least: [method(cents) for cents in least])


@given(total=CENTS, held=CENTS, balance=CENTS, methods=METHODS)
def test_the_balance_and_the_rest_add_up_to_the_price(
    total: int, held: int, balance: int, methods: list[PaymentMethod]
) -> None:
    due = rules.amount_due(usd(total), usd(held), usd(balance), methods, use_balance=True)
    assert due.from_balance + due.rest == due.total == usd(total)
    assert due.balance == usd(held + balance)
    assert due.rest.amount >= 0 and due.from_balance <= due.balance
    # Nothing is left to pay exactly when the buyer's own money covers the price.
    assert bool(due.rest) == (held + balance < total)


@given(total=CENTS, held=CENTS, balance=CENTS, methods=METHODS)
def test_without_the_balance_all_of_it_is_due(
    total: int, held: int, balance: int, methods: list[PaymentMethod]
) -> None:
    due = rules.amount_due(usd(total), usd(held), usd(balance), methods, use_balance=False)
    assert (due.from_balance, due.rest) == (usd(0), usd(total))


@given(total=CENTS, held=CENTS, balance=CENTS, methods=METHODS, use_balance=st.booleans())
def test_every_method_charges_the_rest_and_no_less_than_its_minimum(
    total: int, held: int, balance: int, methods: list[PaymentMethod], use_balance: bool
) -> None:
    due = rules.amount_due(usd(total), usd(held), usd(balance), methods, use_balance=use_balance)
    assert [charge.method for charge in due.charges] == methods
    for charge in due.charges:
        assert charge.amount - charge.surplus == due.rest
        assert charge.amount >= charge.method.minimum
        # Nobody pays more than they must: a surplus only fills up to the minimum.
        assert not charge.surplus or charge.amount == charge.method.minimum


@given(first=CENTS, second=CENTS)
def test_one_tap_is_one_payment_for_one_amount(first: int, second: int) -> None:
    keys = {rules.payment_key(TAP, name, usd(amount)) for name in ("demo", "stars") for amount in (first, second)}
    assert len(keys) == 2 * len({first, second})
    assert rules.payment_key(TAP, "demo", usd(720)) == "tap-0000001-demo-720"  # stored with the payment


@pytest.fixture
def orders(uow: UnitOfWork, ring: KeyRing) -> OrdersServices:
    async def offered(_: Actor) -> list[PaymentMethod]:
        return [method(100), method(1000, "stars")]

    can = Capabilities(lifetime_seconds=1800)
    return OrdersServices.build(
        uow=uow, ring=ring, fulfillers=make_fulfillers(ring), single_admin_limit=lambda: HUGE,
        reservation=lambda: timedelta(minutes=15), methods={"demo": can, "stars": can}, list_methods=offered,
    )  # fmt: skip


async def test_a_payment_begins_with_what_the_balance_leaves(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720, keys=3)
    buyer, other = await buyers(uow, 2, 220)
    quote = await orders.checkout.quote(buyer, goods.variant_id, 1)
    assert (quote.due.from_balance, quote.due.rest, quote.sold_out) == (usd(220), usd(500), False)
    assert (await orders.checkout.quote(buyer, goods.variant_id, 4)).sold_out
    ref = await orders.checkout.reserve(buyer, goods.variant_id, 1, TAP, hold=True)

    demo = await orders.checkout.begin_payment(buyer, ref.number, "demo", TAP)
    assert demo is not None
    assert (demo.order_id, demo.amount, demo.idempotency_key) == (ref.id, usd(500), "tap-0000001-demo-500")
    stars = await orders.checkout.begin_payment(buyer, ref.number, "stars", TAP)
    assert stars is not None and stars.amount == usd(1000)
    whole = await orders.checkout.begin_payment(buyer, ref.number, "demo", TAP, use_balance=False)
    assert whole is not None and whole.amount == usd(720)

    with pytest.raises(Invalid):
        await orders.checkout.begin_payment(buyer, ref.number, "barter", TAP)
    with pytest.raises(NotFound):
        await orders.checkout.begin_payment(other, ref.number, "demo", TAP)


async def test_nothing_is_charged_for_an_order_that_needs_nothing(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720, keys=3)
    (buyer,) = await buyers(uow, 1, 2000)
    covered = await orders.checkout.reserve(buyer, goods.variant_id, 1, TAP)
    assert await orders.checkout.begin_payment(buyer, covered.number, "demo", TAP) is None
    await orders.reservations.cancel(buyer, covered.number)
    assert await orders.checkout.begin_payment(buyer, covered.number, "demo", TAP, use_balance=False) is None


async def test_a_lapsed_order_takes_no_payment(
    orders: OrdersServices, uow: UnitOfWork, ring: KeyRing, clock: FakeClock
) -> None:
    async with uow() as tx:
        goods = await add_goods(tx, ring, price=720, keys=3)
    (buyer,) = await buyers(uow, 1, 0)
    ref = await orders.checkout.reserve(buyer, goods.variant_id, 1, TAP)
    clock.move(minutes=16)
    with pytest.raises(OrderNotPayable):
        await orders.checkout.begin_payment(buyer, ref.number, "demo", TAP)
