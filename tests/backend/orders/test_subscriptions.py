"""Subscriptions: each charge is a paid order, once; what cannot be delivered is never lost."""

from __future__ import annotations

import pytest

from backend.catalog.errors import SoldOut
from backend.catalog.types import StockKind
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.money import STARS, Money
from backend.orders.errors import (
    AlreadySubscribed,
    OrderNotPayable,
    PremiumOnly,
    PriceChanged,
    SubscriptionHasEnded,
    SubscriptionNotOffered,
)
from backend.orders.types.subscriptions import ChargeRefusal, SubscriptionStatus
from backend.payments.types import Outcome, RenewalState
from backend.readings.repository import packages
from tests.backend.orders.subscribing import PRICE, STARS_EACH, Subscriptions, later
from tests.factories.readings import credits_of
from tests.factories.wallet import actor_of, add_person, usd
from tests.fakes.clock import FakeClock

ROOT = Actor.system()
S = SubscriptionStatus


@pytest.fixture
def shop(uow: UnitOfWork, ring: KeyRing) -> Subscriptions:
    return Subscriptions(uow, ring)


@pytest.fixture
async def person(shop: Subscriptions) -> Actor:
    async with shop.uow() as tx:
        return actor_of(await add_person(tx))


async def test_each_charge_is_a_paid_order_of_one_line(shop: Subscriptions, person: Actor, clock: FakeClock) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", PRICE)], 0)
    clock.move(days=30)
    assert await shop.charge(first, later(month), "c2", renewal=True) is Outcome.APPLIED
    await shop.work()
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", PRICE)] * 2, 0)
    assert await shop.left(goods.variant_id) == 3
    view = await shop.only(person)
    assert (view.subscription.status, view.subscription.charged) == (S.ACTIVE, STARS_EACH)
    assert [charge.refusal for charge in view.charges] == [None, None]
    numbers = [charge.number for charge in view.charges]
    orders = [await shop.orders.history.detail(person, number or "") for number in numbers]
    belongs = [await shop.orders.subscriptions.of_order(person, order.id) for order in orders]
    assert [one.first for one in belongs if one] == [False, True]
    assert [len(order.keys) for order in orders] == [1, 1]
    await shop.proven()


async def test_a_package_of_credits_renews(shop: Subscriptions, person: Actor, clock: FakeClock) -> None:
    goods, month = await shop.goods(keys=0, kind=StockKind.CREDITS.value), later(clock.now())
    async with shop.uow() as tx:
        await packages.set_credits(tx, goods.variant_id, 10)
    first = await shop.subscribed(person, goods, month)
    assert await credits_of(shop.uow, person.id) == 10
    clock.move(days=30)
    assert await shop.charge(first, later(month), "c2", renewal=True) is Outcome.APPLIED
    await shop.work()
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", PRICE)] * 2, 0)
    assert await credits_of(shop.uow, person.id) == 20
    await shop.proven()


@pytest.mark.parametrize("charge", ["c1", "c2"], ids=["shared id", "id of its own"])
async def test_a_charge_counts_once_however_often_it_is_reported(
    shop: Subscriptions, person: Actor, clock: FakeClock, charge: str
) -> None:
    """The statement knows only when it was paid, so its end of the period is a little off; nor which is the first."""
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    clock.move(days=30)
    for seconds in (0, 0, 40, -3600):
        until = later(month).timestamp() + seconds
        await shop.charge(first, clock.now().fromtimestamp(until, clock.now().tzinfo), charge, renewal=not seconds)
    await shop.work()
    assert await shop.orders_of(person) == [("delivered", PRICE)] * 2
    assert await shop.rows("SELECT 1 FROM payment_events WHERE outcome = 'unmatched'") == []
    await shop.proven()


async def test_the_statement_is_first_and_the_renewal_before_the_first_charge(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.begin(person, goods)
    assert await shop.charge(first, later(month), "c2", renewal=True) is Outcome.APPLIED
    assert await shop.charge(first, month, "c1") is Outcome.APPLIED
    await shop.work()
    assert await shop.orders_of(person) == [("delivered", PRICE)] * 2
    assert (await shop.only(person)).subscription.paid_until == later(month).replace(microsecond=0)
    await shop.proven()


async def test_the_agreed_price_holds_for_hidden_and_repriced_goods(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    await shop.change("UPDATE variants SET price_amount = 990, hidden = true, subscription_days = NULL")
    await shop.charge(first, later(month), "c2", renewal=True)
    await shop.work()
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", PRICE)] * 2, 0)


async def test_what_is_sold_out_stays_in_the_balance_and_all_are_told(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    goods, month = await shop.goods(keys=1), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    await shop.charge(first, later(month), "c2", renewal=True)
    await shop.work()
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", PRICE)], PRICE)
    view = await shop.only(person)
    assert (view.charges[0].refusal, view.subscription.status) == (ChargeRefusal.SOLD_OUT, S.ACTIVE)
    (payload,) = await shop.events("subscription_charge_kept")
    assert (payload["why"], payload["amount"], payload["refunded"]) == ("sold_out", PRICE, False)
    assert view.charges[0].number is None
    await shop.proven()


@pytest.mark.parametrize("settled", [True, False], ids=["stopped before", "at the charge"])
async def test_a_renewal_for_somebody_blocked_since_is_refunded(
    shop: Subscriptions, person: Actor, clock: FakeClock, settled: bool
) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    await shop.block(person.id, settle=settled)
    await shop.work()
    assert shop.provider.set == ([("c1", False)] * 2 if settled else [])
    assert await shop.status(person) is (S.ENDED if settled else S.ACTIVE)
    await shop.charge(first, later(month), "c2", renewal=True)
    await shop.work()
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", PRICE)], 0)
    assert list(shop.provider.refunds.values()) == [STARS_EACH]
    assert set(shop.provider.set) == {("c1", False)}
    view = await shop.only(person)
    assert (view.subscription.status, view.charges[0].refusal) == (S.ENDED, ChargeRefusal.BLOCKED)
    assert await shop.left(goods.variant_id) == 4
    await shop.proven()


async def test_a_charge_below_the_price_buys_nothing(shop: Subscriptions, person: Actor, clock: FakeClock) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    await shop.charge(first, later(month), "c2", renewal=True, stars=700)
    await shop.work()
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", PRICE)], 700)
    assert (await shop.only(person)).charges[0].refusal is ChargeRefusal.NOT_ENOUGH


async def test_cancelled_it_runs_to_its_end_and_is_not_renewed(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    name = await shop.id_of(person)
    for _ in range(2):
        await shop.orders.subscriptions.cancel(person, name)
    await shop.work()
    assert (shop.provider.set, await shop.status(person)) == ([("c1", False)] * 2, S.CANCELLED)
    # Resuming only allows it: its person does the rest in Telegram, which says so.
    await shop.orders.subscriptions.resume(person, name)
    await shop.work()
    assert (shop.provider.set[-1], await shop.status(person)) == (("c1", True), S.CANCELLED)
    await shop.renewals.note_state(str(first.id), RenewalState.ACTIVE, await telegram_id(shop, person))
    await shop.work()
    assert await shop.status(person) is S.ACTIVE
    await shop.renewals.note_state(str(first.id), RenewalState.CANCELED, await telegram_id(shop, person))
    await shop.work()
    assert await shop.status(person) is S.CANCELLED
    assert not (await shop.only(person)).subscription.resumable(clock.now())
    clock.move(days=31)
    assert (await shop.orders.renewing.check_due(), await shop.orders.renewing.check_due()) == (1, 0)
    assert await shop.status(person) is S.ENDED
    with pytest.raises(SubscriptionHasEnded):
        await shop.orders.subscriptions.cancel(person, name)


async def telegram_id(shop: Subscriptions, person: Actor) -> int:
    """The person's number at Telegram."""
    (row,) = await shop.rows("SELECT telegram_id FROM users WHERE id = :id", id=person.id)
    return int(row.telegram_id)


async def test_a_failed_renewal_ends_after_the_grace_time_unless_it_comes(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    assert await shop.orders.renewing.check_due() == 0
    clock.move(days=29, hours=1)
    assert (await shop.orders.renewing.remind(), await shop.orders.renewing.remind()) == (1, 0)
    assert len(await shop.events("subscription_renews_soon")) == 1
    clock.move(days=1)
    assert (await shop.orders.renewing.check_due(), await shop.status(person)) == (1, S.PAST_DUE)
    clock.move(days=2)
    await shop.charge(first, later(clock.now()), "c2", renewal=True)  # Telegram tried again
    await shop.work()
    assert (await shop.status(person), len(await shop.orders_of(person))) == (S.ACTIVE, 2)
    clock.move(days=30)
    await shop.renewals.note_state(str(first.id), RenewalState.FAILED, await telegram_id(shop, person))
    await shop.work()
    assert await shop.status(person) is S.PAST_DUE
    assert await shop.orders.renewing.check_due() == 0
    clock.move(days=3, hours=1)
    assert (await shop.orders.renewing.check_due(), await shop.status(person)) == (1, S.ENDED)
    assert {one["status"] for one in await shop.events("subscription_changed")} >= {"past_due", "ended"}
    # Money that comes even later is no worse off.
    await shop.charge(first, later(clock.now()), "c3", renewal=True)
    await shop.work()
    assert (await shop.status(person), len(await shop.orders_of(person))) == (S.ACTIVE, 3)
    await shop.proven()


async def test_a_second_subscription_to_the_same_goods_is_refunded_and_stopped(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    goods, month = await shop.goods(), later(clock.now())
    one = await shop.begin(person, goods)
    await shop.change("UPDATE variants SET price_amount = 730")
    other = await shop.begin(person, goods)  # both invoices are open; the bot refuses the first one
    assert one.id != other.id
    with pytest.raises(OrderNotPayable):
        await shop.orders.subscriptions.check_payable(other.subscription_id, one.payable)  # type: ignore[arg-type]
    await shop.orders.subscriptions.check_payable(other.subscription_id, other.payable)  # type: ignore[arg-type]
    await shop.charge(other, month, "c1", stars=730)
    await shop.charge(one, month, "c9")
    await shop.work()
    assert (await shop.orders_of(person), await shop.balance(person)) == ([("delivered", 730)], 0)
    assert list(shop.provider.refunds.values()) == [STARS_EACH]
    assert shop.provider.set == [("c9", False)] * 2
    assert await shop.status(person) is S.ACTIVE
    await shop.proven()


async def test_what_cannot_be_subscribed_to(shop: Subscriptions, person: Actor, clock: FakeClock) -> None:
    begin = shop.orders.subscriptions.begin
    for refusal, how in (
        (SubscriptionNotOffered, {"subscription_days": None}),
        (SubscriptionNotOffered, {"price": 10_001}),
        (SoldOut, {"keys": 0}),
        (PremiumOnly, {"premium_only": True}),
    ):
        with pytest.raises(refusal):
            await begin(person, (await shop.goods(**how)).variant_id)
    goods = await shop.goods()
    with pytest.raises(PriceChanged):
        await begin(person, goods.variant_id, Money(719, STARS))
    first = await shop.begin(person, goods)
    assert (await shop.begin(person, goods)).id == first.id
    with pytest.raises(Invalid):
        await shop.payments.start_top_up(
            person, "stars", usd(10_001), idempotency_key="k", subscription_id=first.subscription_id
        )
    await shop.charge(first, later(clock.now()))
    await shop.work()
    with pytest.raises(AlreadySubscribed):
        await begin(person, goods.variant_id)
    async with shop.uow() as tx:
        stranger = actor_of(await add_person(tx))
    name = await shop.id_of(person)
    for call in (shop.orders.subscriptions.cancel, shop.orders.subscriptions.resume, shop.orders.subscriptions.detail):
        with pytest.raises(NotFound):
            await call(stranger, name)
    with pytest.raises(Forbidden):
        await shop.orders.subscriptions.end(person, name, "because")


async def test_an_admin_ends_one_and_a_charge_on_its_way_is_delivered(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    goods, month = await shop.goods(), later(clock.now())
    first = await shop.subscribed(person, goods, month)
    await shop.orders.subscriptions.end(ROOT, await shop.id_of(person), "asked for it")
    await shop.work()
    assert (shop.provider.set, await shop.status(person)) == ([("c1", False)] * 2, S.ENDED)
    await shop.charge(first, later(month), "c2", renewal=True)
    await shop.work()
    assert (await shop.orders_of(person), await shop.status(person)) == ([("delivered", PRICE)] * 2, S.CANCELLED)
    assert shop.provider.set[-1] == ("c1", False)


async def test_a_refusal_of_the_provider_reaches_the_admins(
    shop: Subscriptions, person: Actor, clock: FakeClock
) -> None:
    await shop.subscribed(person, await shop.goods(), later(clock.now()))
    shop.provider.refuses_renewals = True
    await shop.orders.subscriptions.cancel(person, await shop.id_of(person))
    await shop.work()
    assert [payload["on"] for payload in await shop.events("renewal_not_changed")] == [False]


async def test_one_that_is_never_paid_is_forgotten(shop: Subscriptions, person: Actor, clock: FakeClock) -> None:
    goods = await shop.goods()
    first = await shop.begin(person, goods)
    clock.move(days=2)
    assert (await shop.orders.renewing.check_due(), await shop.mine(person)) == (1, [])
    # An invoice that is paid all the same begins it.
    await shop.charge(first, later(clock.now()))
    await shop.work()
    assert (await shop.status(person), await shop.orders_of(person)) == (S.ACTIVE, [("delivered", PRICE)])
