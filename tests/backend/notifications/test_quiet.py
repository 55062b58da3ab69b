"""Quiet hours: what can wait is sent in the reader's morning, everything else at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from backend.bootstrap import build
from backend.catalog.models import Variant
from backend.identity.types import Permission
from backend.infra.settings import Settings
from backend.kernel.ids import new_id
from backend.notifications.rules import QuietHours
from backend.payments.types import ReconciliationFailed
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import LAYLA, NADIA, Telegram
from tests.factories.identity import contact
from tests.factories.shop import Goods, stock_up
from tests.fakes.clock import FakeClock

NIGHT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
ZONES = ("UTC", "Asia/Riyadh", "Asia/Kathmandu", "America/New_York", "Europe/Berlin", "Pacific/Apia")


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.integers(0, 23),
)
def test_it_waits_until_the_readers_own_morning(now: datetime, zone: str, start: int, end: int) -> None:
    hours = QuietHours(start, end)
    over = hours.end_after(now, zone)
    if over is None:
        return
    local, morning = now.astimezone(ZoneInfo(zone)), over.astimezone(ZoneInfo(zone))
    assert timedelta(0) < over - now <= timedelta(hours=24)
    assert hours.end_after(over, zone) is None
    assert (morning.minute, morning.second, morning.microsecond) == (0, 0, 0)
    # The hour itself may not exist on the day on which the clocks go forward.
    assert morning.hour in {end, end + 1}
    assert local.hour >= start or local.hour < end


@pytest.mark.parametrize(
    ("start", "end", "hour", "quiet"),
    [
        (22, 8, 21, False), (22, 8, 22, True), (22, 8, 7, True), (22, 8, 8, False),
        (0, 6, 0, True), (0, 6, 6, False), (13, 15, 14, True), (13, 15, 15, False), (9, 9, 9, False), (0, 0, 3, False),
    ],
)  # fmt: skip
def test_the_first_hour_is_quiet_and_the_last_is_not(start: int, end: int, hour: int, quiet: bool) -> None:
    now = datetime(2026, 11, 28, hour, 59, tzinfo=UTC)
    assert (QuietHours(start, end).end_after(now, "UTC") is not None) is quiet


def test_the_day_on_which_clocks_change_has_its_morning_too() -> None:
    before = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)  # 23:30 in Berlin, the night on which the clocks go forward
    assert QuietHours(22, 8).end_after(before, "Europe/Berlin") == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)


@pytest.fixture
async def night_shop(
    other_settings: Callable[..., Settings], telegram: Telegram, committed_db: None
) -> AsyncIterator[Shop]:
    """A shop at three at night in UTC; an admin in Riyadh has six."""
    clock = FakeClock(NIGHT)
    services = build(other_settings(telegram_api_url=telegram.url, quiet_from=22, quiet_until=5), clock=clock)
    services.telegram.pace = None  # real seconds, and here the clock stands
    async with services.running(listen=False):
        await services.identity.access.ensure_root()
        root = await services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
        person = await services.identity.access.authenticate(contact(LAYLA, first_name="Layla", timezone="Asia/Riyadh"))
        await services.identity.admins.set_permissions(root, person.id, [Permission.MONEY, Permission.STOCK])
        for number in (NADIA, LAYLA):
            await telegram.person(number).meet()
        yield Shop(services, clock)


async def statuses(shop: Shop, kind: str) -> list[str]:
    return sorted(row.status for row in await shop.notifications(kind))


async def test_each_reader_has_a_night_of_their_own(night_shop: Shop, telegram: Telegram) -> None:
    async with night_shop.services.uow() as tx:
        tx.emit(ReconciliationFailed(reconciliation_id=new_id(), method="stripe"))
    await night_shop.work()
    assert len(await telegram.person(LAYLA).heard()) == 1
    assert await statuses(night_shop, "reconciliation_failed") == ["pending", "sent"]
    await night_shop.later(minutes=119)
    assert await statuses(night_shop, "reconciliation_failed") == ["pending", "sent"]
    await night_shop.later(minutes=1)
    assert await statuses(night_shop, "reconciliation_failed") == ["sent", "sent"]
    assert len(await telegram.person(NADIA).heard()) == 1
    assert [job.attempts for job in await night_shop.jobs("notifications.remind")] == [0, 0], "to wait is no failure"


async def test_a_message_whose_time_comes_at_night_waits_for_the_morning(night_shop: Shop, telegram: Telegram) -> None:
    buyer, goods = await night_shop.buyer(), await night_shop.goods()
    await night_shop.later(hours=16)
    await night_shop.services.orders.cart.add(buyer, goods.variant_id, 1)
    await night_shop.work()
    await night_shop.later(hours=4)  # 23 o'clock in UTC
    assert await statuses(night_shop, "cart_left") == ["pending"]
    await night_shop.later(hours=5, minutes=59)
    assert await statuses(night_shop, "cart_left") == ["pending"]
    await night_shop.later(minutes=1)
    assert await statuses(night_shop, "cart_left") == ["sent"]


async def sell_the_last(shop: Shop) -> Goods:
    buyer = await shop.buyer()
    goods = await shop.goods(keys=1, low_stock_at=1)
    async with shop.services.uow() as tx:
        await tx.execute(update(Variant).where(Variant.id == goods.variant_id).values(low_stock_told=False))
    await shop.sale(buyer, goods)
    await shop.work()
    return goods


async def test_a_sale_at_night_is_said_at_night_and_sold_out_in_the_morning(night_shop: Shop) -> None:
    await sell_the_last(night_shop)
    assert await statuses(night_shop, "order_paid") == ["sent"]
    assert await statuses(night_shop, "stock_low") == ["pending", "sent"]
    await night_shop.later(hours=2)
    assert await statuses(night_shop, "stock_low") == ["sent", "sent"]


async def test_stock_that_was_filled_up_by_the_morning_is_not_reported(night_shop: Shop) -> None:
    goods = await sell_the_last(night_shop)
    async with night_shop.services.uow() as tx:
        await stock_up(tx, night_shop.services.ring, goods.variant_id, ["NEW-1", "NEW-2"])
    await night_shop.later(hours=2)
    assert await statuses(night_shop, "stock_low") == ["sent", "withheld"]
