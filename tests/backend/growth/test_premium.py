"""Premium that is bought: months added, taken back, refused, told of, and what members may buy."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog.errors import ReservationGone
from backend.catalog.types.fulfilment import DeliveryStatus, FulfilmentLine, ItemId
from backend.growth.errors import PremiumEndless, PremiumTooLong
from backend.growth.fulfilment import PremiumMonths
from backend.growth.types.premium import PremiumState
from backend.identity import domain as identity
from backend.identity.errors import NotYourself
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import OrderLineId, UserId
from backend.orders.domain import settling
from backend.orders.errors import PremiumOnly
from backend.orders.repository import orders as repository
from backend.orders.types import NotAppliedReason, OrderStatus
from tests.backend.growth.memberships import GRACE, START, Shop
from tests.factories.identity import add_admin, person
from tests.factories.shop import buyers
from tests.factories.wallet import actor_of
from tests.fakes.clock import FakeClock


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> Shop:
    """The shop."""
    return await Shop(uow, ring, clock).open()


async def test_months_are_added_to_what_is_left(shop: Shop) -> None:
    assert not await shop.is_member()
    order = await shop.buy(shop.month)
    assert (order.status, order.keys) == (OrderStatus.DELIVERED, [])
    assert order == await shop.orders.history.detail(shop.buyer, order.number)
    assert (await shop.until(), await shop.is_member()) == ("27-01-12 09:30", True)
    shop.go(datetime(2027, 1, 5, tzinfo=UTC))
    await shop.buy(shop.quarter, 2)
    assert await shop.until() == "27-07-12 09:30"


async def test_in_the_days_of_grace_from_the_old_end_and_later_from_now(shop: Shop) -> None:
    await shop.buy(shop.month)
    shop.go(datetime(2027, 1, 15, 9, 29, tzinfo=UTC))
    assert await shop.is_member()
    await shop.buy(shop.month)
    assert await shop.until() == "27-02-12 09:30"
    shop.go(datetime(2027, 2, 15, 9, 30, tzinfo=UTC))
    assert not await shop.is_member()
    await shop.buy(shop.month)
    assert await shop.until() == "27-03-15 09:30"


async def test_the_days_of_grace_are_a_setting(shop: Shop) -> None:
    await shop.buy(shop.month)
    shop.go(datetime(2027, 1, 14, tzinfo=UTC))
    assert await shop.is_member()
    shop.grace = timedelta(days=1)
    assert not await shop.is_member()
    await shop.buy(shop.month)
    assert await shop.until() == "27-02-14 00:00"


async def test_a_refund_takes_its_months_away(shop: Shop) -> None:
    first, second = await shop.buy(shop.month), await shop.buy(shop.quarter, 2)
    await shop.refund(second, 1)
    assert await shop.until() == "27-04-12 09:30"
    await shop.refund(first)
    assert await shop.until() == "27-03-12 09:30"
    shop.go(datetime(2027, 2, 1, tzinfo=UTC))
    await shop.refund(second, 1)
    # What was used is used: it ends now, and what was taken back has no days of grace.
    assert (await shop.until(), await shop.is_member()) == (None, False)


async def test_a_refund_of_what_is_over_takes_nothing_of_what_is_new(shop: Shop) -> None:
    old = await shop.buy(shop.month)
    shop.go(datetime(2027, 6, 1, tzinfo=UTC))
    await shop.buy(shop.month)
    await shop.refund(old)
    assert await shop.until() == "27-07-01 00:00"


async def test_a_reserved_purchase_gives_what_it_said(shop: Shop) -> None:
    ref = await shop.orders.checkout.reserve(shop.buyer, shop.month.variant_id, 2, "reserved-1", hold=True)
    assert await shop.until() is None
    async with shop.uow() as tx:
        await tx.execute(text("UPDATE variants SET premium_months = 12"))
    await shop.orders.settlement.pay(shop.buyer, ref.number)
    assert await shop.until() == "27-02-12 09:30"


async def test_a_cancelled_purchase_gives_nothing(shop: Shop) -> None:
    ref = await shop.orders.checkout.reserve(shop.buyer, shop.month.variant_id, 1, "reserved-1")
    await shop.orders.reservations.cancel(shop.buyer, ref.number)
    assert await shop.until() is None
    async with shop.uow() as tx:
        order = await repository.lock_order(tx, order_id=ref.id)
        assert await settling.pay_late(tx, shop.fulfillers, order, GRACE) is None
    assert await shop.until() == "27-01-12 09:30"


async def test_ten_years_are_the_most(shop: Shop) -> None:
    years = await shop.sells(60)
    await shop.buy(years, 2)
    for attempt in (shop.orders.checkout.quote(shop.buyer, shop.month.variant_id, 1), shop.buy(shop.month)):
        with pytest.raises(PremiumTooLong) as refused:
            await attempt
        assert refused.value.params == {"limit": 120}
    shop.go(START + timedelta(days=31))
    await shop.buy(shop.month)
    assert await shop.until() == "37-01-12 09:30"
    (cart,) = (await shop.orders.cart.add(shop.buyer, years.variant_id, 1)).unavailable
    assert isinstance(cart.refusal, PremiumTooLong)


async def test_money_for_more_than_is_allowed_stays_in_the_balance(shop: Shop) -> None:
    years = await shop.sells(60)
    ref = await shop.orders.checkout.reserve(shop.buyer, years.variant_id, 2, "reserved-1", hold=True)
    await shop.buy(shop.month)
    with pytest.raises(PremiumTooLong):
        await shop.orders.settlement.pay(shop.buyer, ref.number)
    async with shop.uow() as tx:
        order = await repository.lock_order(tx, order_id=ref.id)
        not_applied = await settling.pay_arrived(tx, shop.fulfillers, order)
    assert not_applied is not None
    assert not_applied.why is NotAppliedReason.REFUSED
    view = await shop.orders.history.detail(shop.buyer, ref.number)
    assert (view.status, await shop.until()) == (OrderStatus.CANCELLED, "27-01-12 09:30")


async def test_who_has_premium_without_an_end_buys_none(shop: Shop) -> None:
    async with shop.uow() as tx:
        await tx.execute(text("UPDATE users SET is_premium = true"))
    with pytest.raises(PremiumEndless):
        await shop.buy(shop.month)
    assert (await shop.premium.of(Actor.system(), shop.buyer.id)).membership.state is PremiumState.ENDLESS


async def test_a_variant_without_months_is_not_sold(shop: Shop) -> None:
    broken = await shop.sells(None)
    with pytest.raises(NotFound):
        await shop.buy(broken)


async def test_members_buy_at_once_and_others_are_refused(shop: Shop) -> None:
    closed = await shop.sells(None, keys=9, kind="unique_keys", premium_only=True)
    with pytest.raises(PremiumOnly):
        await shop.buy(closed)
    await shop.buy(shop.month)
    await shop.buy(closed)  # by the same actor, whose session knows nothing of it
    shop.go(datetime(2027, 1, 15, 9, 29, tzinfo=UTC))
    await shop.buy(closed)
    shop.clock.move(minutes=1)
    with pytest.raises(PremiumOnly):
        await shop.buy(closed)


@pytest.mark.parametrize("member", [False, True])
async def test_late_money_for_what_is_for_members_now(shop: Shop, member: bool) -> None:
    goods = await shop.sells(None, keys=1, kind="unique_keys")
    ref = await shop.orders.checkout.reserve(shop.buyer, goods.variant_id, 1, "reserved-1")
    await shop.orders.reservations.cancel(shop.buyer, ref.number)
    if member:
        await shop.buy(shop.month)
    async with shop.uow() as tx:
        await tx.execute(text("UPDATE products SET premium_only = true WHERE kind = 'unique_keys'"))
        order = await repository.lock_order(tx, order_id=ref.id)
        why = await settling.pay_late(tx, shop.fulfillers, order, GRACE)
    assert (why and why.why) == (None if member else NotAppliedReason.PREMIUM_ONLY)


async def test_a_reserved_order_is_paid_although_it_is_for_members_now(shop: Shop) -> None:
    goods = await shop.sells(None, keys=1, kind="unique_keys")
    ref = await shop.orders.checkout.reserve(shop.buyer, goods.variant_id, 1, "reserved-1", hold=True)
    async with shop.uow() as tx:
        await tx.execute(text("UPDATE products SET premium_only = true WHERE kind = 'unique_keys'"))
    await shop.orders.settlement.pay(shop.buyer, ref.number)
    assert (await shop.orders.history.detail(shop.buyer, ref.number)).status is OrderStatus.DELIVERED


async def test_people_are_reminded_once_of_each_end(shop: Shop) -> None:
    await shop.buy(shop.month)
    end, later = datetime(2027, 1, 12, 9, 30, tzinfo=UTC), datetime(2027, 2, 12, 9, 30, tzinfo=UTC)
    shop.go(end - timedelta(days=3, seconds=1))
    assert await shop.premium.remind() == 0
    shop.clock.move(seconds=1)
    assert [await shop.premium.remind() for _ in range(2)] == [1, 0]
    assert await shop.notices() == [("ending", end)]
    await shop.buy(shop.month)
    shop.go(end)
    assert await shop.premium.remind() == 0
    shop.go(later - timedelta(hours=1))
    assert await shop.premium.remind() == 1
    shop.go(later)
    assert [await shop.premium.remind() for _ in range(2)] == [1, 0]
    assert await shop.notices() == [("ending", end), ("ending", later), ("ended", later)]
    shop.go(later + GRACE)
    # Nothing is said, but every process is: open pages reload.
    assert [await shop.premium.remind() for _ in range(2)] == [1, 0]
    assert len(await shop.notices()) == 3


async def test_a_worker_that_slept_says_only_what_is_true(shop: Shop) -> None:
    await shop.buy(shop.month)
    shop.go(datetime(2027, 1, 13, tzinfo=UTC))
    await shop.premium.remind()
    assert [kind for kind, _ in await shop.notices()] == ["ended"]


async def test_an_admin_gives_and_takes_months(shop: Shop) -> None:
    async with shop.uow() as tx:
        users = actor_of(await add_admin(tx, Permission.USERS))
        users = msgspec.structs.replace(users, permissions=frozenset({Permission.USERS}))
        other = await add_admin(tx, Permission.USERS)
        await identity.ensure_root(tx, 555)
    await shop.premium.give(users, shop.buyer.id, 2, "Sorry for the wait")
    assert await shop.until() == "27-02-12 09:30"
    await shop.premium.take(users, shop.buyer.id, 1, "One too many")
    assert await shop.until() == "27-01-12 09:30"
    record = await shop.premium.of(users, shop.buyer.id)
    assert (record.membership.state, [grant.months for grant in record.grants]) == (PremiumState.ACTIVE, [-1, 2])
    assert [(grant.bought, grant.by, grant.reason) for grant in record.grants][1] == (
        False, users.id, "Sorry for the wait",
    )  # fmt: skip
    await shop.premium.take(users, shop.buyer.id, 5, "Abuse")
    assert (await shop.until(), await shop.is_member()) == (None, False)
    await shop.premium.give(users, other, 1, "Colleague")
    with pytest.raises(NotYourself):
        await shop.premium.give(users, users.id, 1, "For me")
    for months, reason in ((0, "why"), (121, "why"), (1, " ")):
        with pytest.raises(Invalid):
            await shop.premium.give(users, shop.buyer.id, months, reason)
    with pytest.raises(Forbidden):
        await shop.premium.give(shop.buyer, other, 1, "why")
    with pytest.raises(NotFound):
        await shop.premium.give(users, UserId(shop.month.variant_id), 1, "why")
    async with shop.uow() as tx:
        audit = "SELECT count(*) FROM audit_entries WHERE action = 'users.change_premium'"
        assert (await tx.execute(text(audit))).scalar_one() == 4


async def test_what_every_kind_of_goods_must_do(shop: Shop) -> None:
    goods = PremiumMonths(lambda: GRACE)
    async with shop.uow() as tx:

        def line(quantity: int = 1, months: int = 1) -> FulfilmentLine:
            sold = shop.month if months == 1 else shop.quarter
            return FulfilmentLine(
                id=OrderLineId(tx.new_id()), kind=goods.kind, product_id=sold.product_id, variant_id=sold.variant_id,
                quantity=quantity, buyer=shop.buyer.id, recipient=shop.buyer.id,
            )  # fmt: skip

        sold, dropped = line(2), line(1, 3)
        await goods.reserve(tx, [sold, dropped])
        await goods.release(tx, [dropped])
        await goods.release(tx, [dropped])
        with pytest.raises(ReservationGone):
            await goods.deliver(tx, [dropped], reserved=True)
        delivered = await goods.deliver(tx, [sold], reserved=True)
        assert {one.status for one in delivered.values()} == {DeliveryStatus.DELIVERED}
        with pytest.raises(ReservationGone):
            await goods.deliver(tx, [sold], reserved=True)
        await goods.release(tx, [sold])
        late = await goods.deliver(tx, [dropped, line()], reserved=False)
        assert len(late) == 2
        assert (await goods.items(tx, [sold, dropped]), await goods.open(tx, [])) == ((), ())
        with pytest.raises(NotFound):
            await goods.open(tx, [ItemId(tx.new_id())])
        with pytest.raises(ValueError, match="at least 1"):
            await goods.reserve(tx, [line(0)])
        period = await identity.find_premium(tx, shop.buyer.id)
        assert period is not None
        assert period.months == 2 + 3 + 1
        for _ in range(3):
            await goods.revoke(tx, sold, 1)
        period = await identity.find_premium(tx, shop.buyer.id)
        assert period is not None
        assert period.months == 3 + 1


async def test_a_friend_gets_the_months_that_somebody_pays(shop: Shop) -> None:
    (friend,) = await buyers(shop.uow, 1, 0)
    goods = PremiumMonths(lambda: GRACE)
    async with shop.uow() as tx:
        line = FulfilmentLine(
            id=OrderLineId(tx.new_id()), kind=goods.kind, product_id=shop.month.product_id,
            variant_id=shop.month.variant_id, quantity=1, buyer=shop.buyer.id, recipient=friend.id,
        )  # fmt: skip
        await goods.deliver(tx, [line], reserved=False)
    assert (await shop.period(friend), await shop.period()) == (await shop.period(friend), None)
    assert await shop.period(friend) is not None


async def test_everybody_has_their_own_premium_at_login(services: Services, clock: FakeClock) -> None:
    for number, months in enumerate((1, 2)):
        member = await person(services.identity, 70 + number)
        await services.growth.premium.give(Actor.system(), member.id, months, "a present")
    clock.move(hours=2)  # the next login writes when somebody was seen
    ends = [(await person(services.identity, 70 + number)).premium_until for number in range(3)]
    assert ends[2] is None
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0] < ends[1]


async def test_purchases_at_the_same_moment_are_all_added(services: Services, clock: FakeClock) -> None:
    shop = Shop(services.uow, services.ring, clock)
    await shop.open()
    orders = await asyncio.gather(*(shop.buy(goods) for goods in (shop.month, shop.quarter) * 3))
    assert len({order.id for order in orders}) == 6
    assert await shop.until() == "27-12-12 09:30"
    await asyncio.gather(*(shop.refund(order) for order in orders[:5]))
    assert await shop.until() == "27-03-12 09:30"
    assert (await services.wallet.ledger.verify(Actor.system())).differences == []
