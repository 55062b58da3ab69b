"""What people see of their money: balance, history by kind and month, CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid
from backend.kernel.ids import UserId
from backend.kernel.money import CREDIT, Money
from backend.kernel.text import Locale
from backend.wallet import domain, rules
from backend.wallet.service import CSV_COLUMNS, WalletServices
from backend.wallet.types import REVENUE, AccountRef, HistoryRow, Memo, TransferKind
from tests.factories.wallet import actor_of, give, rich_person, usd
from tests.fakes.clock import FakeClock

SHOP = AccountRef.shop(REVENUE)


@pytest.fixture
def clock() -> FakeClock:
    """Starts a little before the end of October in Berlin, which is in November already in UTC+3."""
    return FakeClock(datetime(2026, 10, 31, 21, 30, tzinfo=UTC))


async def buy(uow: UnitOfWork, user_id: UserId, cents: int, number: str, memo: Memo | None = None) -> None:
    async with uow() as tx:
        debit = AccountRef.user(user_id)
        await domain.transfer(tx, TransferKind.PURCHASE, f"order:{number}", debit, SHOP, usd(cents), number, memo)


async def whole(wallet: WalletServices, actor: Actor, limit: int, **filters: object) -> list[HistoryRow]:
    rows: list[HistoryRow] = []
    cursor: str | None = None
    while True:
        page = await wallet.statement.history(actor, cursor=cursor, limit=limit, **filters)  # type: ignore[arg-type]
        rows += page.items
        cursor = page.next_cursor
        if cursor is None:
            return rows
        assert len(page.items) == limit


async def test_somebody_new_sees_an_empty_wallet(uow: UnitOfWork, wallet: WalletServices) -> None:
    actor = actor_of(await rich_person(uow, usd(0)))
    overview = await wallet.statement.overview(actor)
    assert (overview.balance, overview.credits, overview.months) == (usd(0), Money(0, CREDIT), [])
    assert (await wallet.statement.history(actor)).items == []
    assert (await wallet.statement.wallet(actor)).day_totals == {}
    assert [line async for line in wallet.statement.export_csv(actor)] == ["\ufeff" + ",".join(CSV_COLUMNS) + "\r\n"]


async def test_every_change_is_told_with_its_reference_and_the_balance_after(
    uow: UnitOfWork, wallet: WalletServices, clock: FakeClock
) -> None:
    user_id = await rich_person(uow, usd(1000))
    memo = Memo(title={"en": "Private VPN", "ar": "شبكة خاصة"}, quantity=2)
    await buy(uow, user_id, 400, "4K7Q2Z", memo)
    clock.move(seconds=1)
    async with uow() as tx:
        await give(tx, user_id, Money(4, CREDIT))
    rows = (await wallet.statement.history(actor_of(user_id))).items
    credits, purchase, top_up = rows
    assert (purchase.kind, purchase.amount, purchase.balance_after) == (TransferKind.PURCHASE, usd(-400), usd(600))
    assert (purchase.reference, purchase.memo) == ("4K7Q2Z", memo)
    assert (top_up.amount, top_up.balance_after) == (usd(1000), usd(1000))
    assert (credits.amount, credits.balance_after) == (Money(4, CREDIT), Money(4, CREDIT))
    overview = await wallet.statement.overview(actor_of(user_id))
    assert (overview.balance, overview.credits) == (usd(600), Money(4, CREDIT))


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_paging_shows_every_change_once_in_order(
    uow: UnitOfWork, wallet: WalletServices, clock: FakeClock, limit: int
) -> None:
    user_id = await rich_person(uow, usd(10_000))
    for number in range(12):
        # Several changes at one and the same time, and in two assets.
        clock.move(seconds=number % 3 == 0)
        await buy(uow, user_id, 1 + number, str(number))
        if number % 4 == 0:
            async with uow() as tx:
                await give(tx, user_id, Money(1 + number, CREDIT))
    rows = await whole(wallet, actor_of(user_id), limit)
    assert len({row.id for row in rows}) == len(rows) == 16
    assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
    assert [row.reference for row in rows if row.kind is TransferKind.PURCHASE] == [str(n) for n in range(11, -1, -1)]
    # Each balance follows from the one before, also within one moment.
    for asset in ("USD", CREDIT):
        before = 0
        for row in [row for row in reversed(rows) if row.amount.currency == asset]:
            before += row.amount.amount
            assert row.balance_after.amount == before


async def test_a_page_does_not_shift_when_something_new_comes(uow: UnitOfWork, wallet: WalletServices) -> None:
    user_id = await rich_person(uow, usd(1000))
    for number in range(4):
        await buy(uow, user_id, 1, str(number))
    actor = actor_of(user_id)
    first = await wallet.statement.history(actor, limit=2)
    await buy(uow, user_id, 1, "new")
    second = await wallet.statement.history(actor, cursor=first.next_cursor, limit=2)
    assert [row.reference for row in first.items + second.items] == ["3", "2", "1", "0"]


async def test_filters_by_kind_and_by_month_in_the_persons_own_time(
    uow: UnitOfWork, wallet: WalletServices, clock: FakeClock
) -> None:
    user_id = await rich_person(uow, usd(1000))  # 31 October 22:30 in Berlin, 1 November 00:30 in Moscow
    clock.move(hours=2)
    await buy(uow, user_id, 100, "a")  # 1 November 00:30 in Berlin
    clock.move(days=31)
    await buy(uow, user_id, 200, "b")  # December everywhere
    berlin, moscow = actor_of(user_id, timezone="Europe/Berlin"), actor_of(user_id, timezone="Europe/Moscow")
    assert (await wallet.statement.overview(berlin)).months == ["2026-12", "2026-11", "2026-10"]
    assert (await wallet.statement.overview(moscow)).months == ["2026-12", "2026-11"]

    async def count(actor: Actor, month: str | None, kind: TransferKind | None = None) -> int:
        return len(await whole(wallet, actor, 1, month=month, kind=kind))

    assert [await count(berlin, month) for month in ("2026-10", "2026-11", "2026-12", "2027-01")] == [1, 1, 1, 0]
    assert [await count(moscow, month) for month in ("2026-10", "2026-11", "2026-12")] == [0, 2, 1]
    assert await count(berlin, None, TransferKind.PURCHASE) == 2
    assert await count(moscow, "2026-11", TransferKind.TOP_UP) == 1
    assert await count(moscow, "2026-12", TransferKind.TOP_UP) == 0


async def test_day_totals_are_whole_days_in_the_persons_own_time(
    uow: UnitOfWork, wallet: WalletServices, clock: FakeClock
) -> None:
    user_id = await rich_person(uow, usd(1000))
    clock.move(hours=1)
    await buy(uow, user_id, 100, "a")
    clock.move(hours=1)
    await buy(uow, user_id, 50, "b")
    async with uow() as tx:
        await give(tx, user_id, Money(9, CREDIT))
    actor = actor_of(user_id, timezone="Europe/Berlin")
    november, october = date(2026, 11, 1), date(2026, 10, 31)
    first = await wallet.statement.wallet(actor, limit=1)
    assert first.day_totals == {november: usd(-50)}
    assert (await wallet.statement.wallet(actor)).day_totals == {november: usd(-50), october: usd(900)}
    purchases = await wallet.statement.wallet(actor, TransferKind.PURCHASE, limit=1)
    assert purchases.day_totals == {november: usd(-50)}
    purchases = await wallet.statement.wallet(actor, TransferKind.PURCHASE, cursor=purchases.history.next_cursor)
    assert purchases.day_totals == {october: usd(-100)}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
async def test_a_days_total_is_the_same_on_every_page_that_shows_the_day(
    uow: UnitOfWork, wallet: WalletServices, clock: FakeClock, limit: int
) -> None:
    user_id = await rich_person(uow, usd(10_000))
    for number in range(11):
        clock.move(hours=5)
        await buy(uow, user_id, 1 + number, str(number))
        if number % 4 == 0:
            async with uow() as tx:
                await give(tx, user_id, Money(7, CREDIT))
    actor = actor_of(user_id, timezone="Asia/Tokyo")
    expected = (await wallet.statement.wallet(actor)).day_totals
    assert sum(total.amount for total in expected.values()) == 10_000 - 66
    cursor, seen = None, {}
    while True:
        view = await wallet.statement.wallet(actor, cursor=cursor, limit=limit)
        assert view.day_totals == {day: expected[day] for day in view.day_totals}
        seen |= view.day_totals
        cursor = view.history.next_cursor
        if cursor is None:
            break
    assert seen == expected


async def test_nobody_sees_anothers_money(uow: UnitOfWork, wallet: WalletServices) -> None:
    one, two = await rich_person(uow, usd(500)), await rich_person(uow, usd(700))
    async with uow() as tx:
        await domain.transfer(tx, TransferKind.BONUS, "k", AccountRef.user(one), AccountRef.user(two), usd(100))
    assert [row.amount.amount for row in (await wallet.statement.history(actor_of(one))).items] == [-100, 500]
    assert [row.amount.amount for row in (await wallet.statement.history(actor_of(two))).items] == [100, 700]


async def test_the_back_office_reads_balances_of_many(uow: UnitOfWork, wallet: WalletServices) -> None:
    rich, poor = await rich_person(uow, usd(500)), await rich_person(uow, usd(0))
    balances = await wallet.statement.balances_of(Actor.system(), [rich, poor])
    assert balances.get(rich) == usd(500)
    assert balances.get(poor, usd(0)) == usd(0)
    assert await wallet.statement.balances_of(Actor.system(), []) == {}
    with pytest.raises(Forbidden):
        await wallet.statement.balances_of(actor_of(rich), [poor])


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026-1", "202611", "1999-12", "x", "٢٠٢٦-١١", "2026-11-01"])
async def test_what_is_no_month(uow: UnitOfWork, wallet: WalletServices, month: str) -> None:
    actor = actor_of(await rich_person(uow, usd(0)))
    with pytest.raises(Invalid) as refused:
        await wallet.statement.history(actor, month=month)
    assert refused.value.fields == {"month": "bad_month"}
    with pytest.raises(Invalid):
        wallet.statement.export_csv(actor, month=month)


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIl0", "e30", "🙂"])
async def test_what_is_no_cursor(uow: UnitOfWork, wallet: WalletServices, cursor: str) -> None:
    actor = actor_of(await rich_person(uow, usd(0)))
    with pytest.raises(Invalid):
        await wallet.statement.history(actor, cursor=cursor)


async def test_csv_is_whole_localised_and_harmless(
    uow: UnitOfWork, wallet: WalletServices, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.wallet.service.statement._EXPORT_BATCH", 2)
    user_id = await rich_person(uow, usd(1000))
    titles = ("=HYPERLINK(1)", "+1", "-1", "@x", "\tx", 'He said "hi", twice')
    for number, title in enumerate(titles):
        clock.move(minutes=1)
        await buy(uow, user_id, 1, f"=N{number}", Memo(title={"ar": title}))
    actor = actor_of(user_id, timezone="Europe/Berlin", language=Locale.AR)
    header = ("التاريخ", "النوع", "المبلغ", "العملة", "الرصيد", "المرجع", "العنوان")
    pieces = [
        piece
        async for piece in wallet.statement.export_csv(
            actor, header=header, kind_of=lambda row: {TransferKind.PURCHASE: "شراء"}.get(row.kind, row.kind.value)
        )
    ]
    assert len(pieces) == 5  # the header, and four batches of at most two
    text = "".join(pieces)
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert tuple(rows[0]) == header
    assert rows[1][:5] == ["2026-10-31T22:36:00+01:00", "شراء", "-0.01", "USD", "9.94"]
    assert rows[-1][:5] == ["2026-10-31T22:30:00+01:00", "top_up", "10.00", "USD", "10.00"]
    assert [row[5] for row in rows[1:-1]] == [f"'=N{number}" for number in range(5, -1, -1)]
    assert [row[6] for row in rows[1:-1]] == [
        'He said "hi", twice', "'\tx", "'@x", "'-1", "'+1", "'=HYPERLINK(1)",
    ]  # fmt: skip


def test_months_cross_years_and_daylight_saving() -> None:
    start, end = rules.month_bounds("2026-12", "Europe/Berlin")
    assert (start, end) == (datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC))
    start, end = rules.month_bounds("2026-03", "Europe/Berlin")
    assert end - start == timedelta(days=31, hours=-1)
    months = rules.months_between(datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "No/Where")
    assert months == ["2026-02", "2026-01", "2025-12", "2025-11"]
