"""Admins' credits and debits: a reason always, two admins above the limit, once, never below zero."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.approvals.errors import SecondAdminNeeded
from backend.identity.types import Actor, Permission
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import UserId, new_id
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.wallet import domain
from backend.wallet.errors import AdjustmentClosed, IdempotencyConflict, InsufficientFunds
from backend.wallet.service import AdjustmentsService
from backend.wallet.types import Adjustment, AdjustmentId, AdjustmentStatus
from tests.factories.identity import add_admin
from tests.factories.wallet import USD, rich_person, usd, wallet_services
from tests.fakes.clock import FakeClock

LIMIT = usd(10_000)
SUBSCRIPTIONS = {"ApprovalAsked": ("test.asked",), "WalletAdjusted": ("test.adjusted",)}


@pytest.fixture
def real_uow(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str) -> UnitOfWork:
    """Transactions that commit, whose events are heard."""
    return UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS)


@pytest.fixture
def service(real_uow: UnitOfWork) -> AdjustmentsService:
    """The service, with a limit of $100."""
    return AdjustmentsService(uow=real_uow, limit=lambda: LIMIT)


async def money_admin(uow: UnitOfWork, *permissions: Permission, root: bool = False) -> Actor:
    held = permissions or (Permission.MONEY,)
    async with uow() as tx:
        user_id = await add_admin(tx, *held)
    return Actor(
        user_id=user_id, telegram_id=1, first_name="Admin", language=Locale.EN, timezone="UTC",
        permissions=frozenset(held), is_root=root,
    )  # fmt: skip


async def balance(uow: UnitOfWork, user_id: UserId) -> int:
    async with uow.read() as tx:
        return (await domain.balance(tx, user_id, USD)).amount


async def jobs(uow: UnitOfWork, task: str) -> list[dict[str, object]]:
    async with uow.read() as tx:
        statement = text("SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY id")
        return list((await tx.execute(statement, {"task": task})).scalars())


async def actions(uow: UnitOfWork) -> list[str]:
    async with uow.read() as tx:
        return list((await tx.execute(text("SELECT action FROM audit_entries ORDER BY id"))).scalars())


async def assert_books(uow: UnitOfWork, adjusted: int) -> None:
    wallet = wallet_services(uow)
    report = await wallet.ledger.verify(Actor.system())
    assert report.balanced, report.differences
    accounts = {item.name: item.balance.amount for item in await wallet.ledger.shop_accounts(Actor.system())}
    assert accounts.get("adjustments", 0) == -adjusted


@pytest.mark.parametrize("cents", [10_000, 1, -10_000])
async def test_up_to_the_limit_one_admin_is_enough(
    real_uow: UnitOfWork, service: AdjustmentsService, cents: int
) -> None:
    person, admin = await rich_person(real_uow, usd(20_000)), await money_admin(real_uow)
    done = await service.adjust(admin, person, usd(cents), "  a gift \n for you ", idempotency_key="k")
    assert (done.status, done.reason, done.decided_by) == (AdjustmentStatus.APPLIED, "a gift for you", None)
    assert await balance(real_uow, person) == 20_000 + cents
    (payload,) = await jobs(real_uow, "test.adjusted")
    assert (payload["amount"], payload["balance"]) == (cents, 20_000 + cents)
    assert await actions(real_uow) == ["wallet.adjust"]
    assert await service.of(admin, person) == [done]
    history = await wallet_services(real_uow).statement.history(
        Actor(user_id=person, telegram_id=2, first_name="P", language=Locale.EN, timezone="UTC")
    )
    assert history.items[0].memo.reason == "a gift for you"
    await assert_books(real_uow, cents)


@pytest.mark.parametrize("cents", [10_001, -10_001])
async def test_above_the_limit_a_second_admin_decides(
    real_uow: UnitOfWork, service: AdjustmentsService, cents: int
) -> None:
    person, admin, second = (
        await rich_person(real_uow, usd(20_000)), await money_admin(real_uow, root=True), await money_admin(real_uow)
    )  # fmt: skip
    asked = await service.adjust(admin, person, usd(cents), "goodwill", idempotency_key="k")
    assert asked.status is AdjustmentStatus.WAITING
    assert await balance(real_uow, person) == 20_000
    assert await service.waiting(second) == [asked]
    (payload,) = await jobs(real_uow, "test.asked")
    assert payload["asked_by"] == str(admin.id)
    with pytest.raises(SecondAdminNeeded):  # the root admin neither
        await service.approve(admin, asked.id)
    done = await service.approve(second, asked.id)
    assert (done.status, done.decided_by) == (AdjustmentStatus.APPLIED, second.id)
    assert await balance(real_uow, person) == 20_000 + cents
    assert await service.waiting(second) == []
    assert await actions(real_uow) == [
        "approvals.first", "wallet.ask_adjustment", "approvals.second", "wallet.approve_adjustment",
    ]  # fmt: skip

    await assert_books(real_uow, cents)


async def test_many_small_ones_do_not_avoid_the_limit(
    real_uow: UnitOfWork, service: AdjustmentsService, clock: FakeClock
) -> None:
    person, admin, other = (
        await rich_person(real_uow, usd(0)), await money_admin(real_uow), await money_admin(real_uow)
    )  # fmt: skip
    results = await asyncio.gather(
        *(service.adjust(admin, person, usd(4000), "one of many", idempotency_key=f"k{n}") for n in range(5))
    )
    states = [item.status for item in results]
    assert states.count(AdjustmentStatus.APPLIED) == 2
    assert await balance(real_uow, person) == 8000
    # Another admin and another day count for themselves; another person does not.
    assert (await service.adjust(other, person, usd(4000), "mine", idempotency_key="k")).status == "applied"
    stranger = await rich_person(real_uow, usd(0))
    assert (await service.adjust(admin, stranger, usd(4000), "theirs", idempotency_key="s")).status == "waiting"
    clock.move(hours=25)
    assert (await service.adjust(admin, person, usd(4000), "later", idempotency_key="l")).status == "applied"
    await assert_books(real_uow, 16_000)


async def test_two_approvers_at_once_approve_once(real_uow: UnitOfWork, service: AdjustmentsService) -> None:
    person, admin = await rich_person(real_uow, usd(0)), await money_admin(real_uow)
    seconds = [await money_admin(real_uow) for _ in range(8)]
    asked = await service.adjust(admin, person, usd(50_000), "a race", idempotency_key="k")
    results = await asyncio.gather(*(service.approve(one, asked.id) for one in seconds), return_exceptions=True)
    assert len([item for item in results if isinstance(item, Adjustment)]) == 1
    assert len([item for item in results if isinstance(item, AdjustmentClosed)]) == 7
    assert await balance(real_uow, person) == 50_000
    assert len(await jobs(real_uow, "test.adjusted")) == 1
    await assert_books(real_uow, 50_000)


async def test_approved_and_refused_at_once_has_one_end(real_uow: UnitOfWork, service: AdjustmentsService) -> None:
    admin, one, two = [await money_admin(real_uow) for _ in range(3)]
    total = 0
    for number in range(6):
        person = await rich_person(real_uow, usd(0))
        asked = await service.adjust(admin, person, usd(20_000), "a race", idempotency_key=f"k{number}")
        results = await asyncio.gather(
            service.approve(one, asked.id), service.refuse(two, asked.id, "no"), return_exceptions=True
        )
        assert [isinstance(item, AdjustmentClosed) for item in results].count(True) == 1
        approved = (await service.get(admin, asked.id)).status is AdjustmentStatus.APPLIED
        assert await balance(real_uow, person) == (20_000 if approved else 0)
        total += 20_000 if approved else 0
    await assert_books(real_uow, total)


async def test_ten_taps_adjust_once(real_uow: UnitOfWork, service: AdjustmentsService) -> None:
    person, admin = await rich_person(real_uow, usd(0)), await money_admin(real_uow)
    results = await asyncio.gather(
        *(service.adjust(admin, person, usd(500), "a tap", idempotency_key="k") for _ in range(10))
    )
    assert len({item.id for item in results}) == 1
    assert await balance(real_uow, person) == 500
    with pytest.raises(IdempotencyConflict):
        await service.adjust(admin, person, usd(501), "a tap", idempotency_key="k")
    await assert_books(real_uow, 500)


async def test_a_debit_never_goes_below_zero(real_uow: UnitOfWork, service: AdjustmentsService) -> None:
    person, admin, second = (
        await rich_person(real_uow, usd(300)), await money_admin(real_uow), await money_admin(real_uow)
    )  # fmt: skip
    with pytest.raises(InsufficientFunds):
        await service.adjust(admin, person, usd(-301), "too much", idempotency_key="k")
    assert await service.of(admin, person) == []
    asked = await service.adjust(admin, person, usd(-20_000), "far too much", idempotency_key="l")
    with pytest.raises(InsufficientFunds):
        await service.approve(second, asked.id)
    assert (await service.get(admin, asked.id)).status is AdjustmentStatus.WAITING
    assert await balance(real_uow, person) == 300
    assert await actions(real_uow) == ["approvals.first", "wallet.ask_adjustment"]
    await assert_books(real_uow, 0)


async def test_refused_with_a_reason_or_withdrawn(real_uow: UnitOfWork, service: AdjustmentsService) -> None:
    person, admin, second = (
        await rich_person(real_uow, usd(0)), await money_admin(real_uow), await money_admin(real_uow)
    )  # fmt: skip
    for number, who in enumerate((second, admin)):
        asked = await service.adjust(admin, person, usd(20_000), "please", idempotency_key=f"k{number}")
        with pytest.raises(Invalid):
            await service.refuse(who, asked.id, " ")
        refused = await service.refuse(who, asked.id, "not agreed")
        assert (refused.status, refused.refusal, refused.decided_by) == ("refused", "not agreed", who.id)
        with pytest.raises(AdjustmentClosed):
            await service.approve(second, asked.id)
    assert await balance(real_uow, person) == 0
    await assert_books(real_uow, 0)


async def test_who_may_not(real_uow: UnitOfWork, service: AdjustmentsService) -> None:
    person, admin = await rich_person(real_uow, usd(0)), await money_admin(real_uow)
    await money_admin(real_uow)
    asked = await service.adjust(admin, person, usd(20_000), "please", idempotency_key="k")
    for actor in (await money_admin(real_uow, Permission.USERS, Permission.ORDERS),):
        for call in (
            service.adjust(actor, person, usd(1), "r", idempotency_key="k"), service.waiting(actor),
            service.approve(actor, asked.id), service.refuse(actor, asked.id, "r"), service.of(actor, person),
            service.get(actor, asked.id),
        ):  # fmt: skip
            with pytest.raises(Forbidden):
                await call
    with pytest.raises(Forbidden):  # the worker is no second admin
        await service.approve(Actor.system(), asked.id)


@pytest.mark.parametrize(
    ("amount", "reason", "field"),
    [
        (usd(0), "r", "amount"), (usd(10**15 + 1), "r", "amount"), (usd(-(2**63) + 1), "r", "amount"),
        (Money(100, "EUR"), "r", "amount"), (usd(1), " \n", "reason"), (usd(1), "r" * 501, "reason"),
    ],
)  # fmt: skip
async def test_what_is_no_adjustment(
    real_uow: UnitOfWork, service: AdjustmentsService, amount: Money, reason: str, field: str
) -> None:
    person, admin = await rich_person(real_uow, usd(0)), await money_admin(real_uow)
    with pytest.raises(Invalid) as refused:
        await service.adjust(admin, person, amount, reason, idempotency_key="k")
    assert set(refused.value.fields) == {field}
    with pytest.raises(NotFound):
        await service.adjust(admin, UserId(new_id()), usd(1), "nobody", idempotency_key="k")
    with pytest.raises(NotFound):
        await service.approve(admin, AdjustmentId(new_id()))


async def test_the_database_too_wants_two_people(real_uow: UnitOfWork, service: AdjustmentsService) -> None:
    person, admin = await rich_person(real_uow, usd(0)), await money_admin(real_uow)
    await money_admin(real_uow)
    asked = await service.adjust(admin, person, usd(20_000), "please", idempotency_key="k")
    with pytest.raises(IntegrityError, match="two_people"):
        async with real_uow() as tx:
            alone = text("UPDATE wallet_adjustments SET status = 'applied', decided_by = asked_by, decided_at = now()")
            await tx.execute(alone)
    assert (await service.get(admin, asked.id)).status is AdjustmentStatus.WAITING


async def test_dying_while_it_is_approved_leaves_it_waiting(
    real_uow: UnitOfWork, service: AdjustmentsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, admin, second = (
        await rich_person(real_uow, usd(0)), await money_admin(real_uow), await money_admin(real_uow)
    )  # fmt: skip
    asked = await service.adjust(admin, person, usd(20_000), "please", idempotency_key="k")

    def die(_name: str) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("backend.wallet.service.adjustments.failpoint", die)
        with pytest.raises(RuntimeError):
            await service.approve(second, asked.id)
    assert await service.waiting(second) == [asked]
    await service.approve(second, asked.id)
    assert await balance(real_uow, person) == 20_000
    await assert_books(real_uow, 20_000)
