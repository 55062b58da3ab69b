"""The single-admin limit: for each kind of value, for all kinds together, for concurrent admins, and over time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.approvals import domain
from backend.approvals.errors import SecondAdminNeeded
from backend.approvals.types import WINDOW, Approval, NewValue, ValueKind
from backend.bootstrap import Services, build
from backend.growth.errors import OwnVoucher
from backend.growth.types import NewBonusRule
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, NotFound
from backend.payments.types import IntentStatus, ProviderState, TopUpSucceeded
from tests.backend.approvals.world import BOTH, GRANTS, LIMIT, World, grant
from tests.factories.identity import admin, person
from tests.factories.wallet import USD, actor_of, add_person, usd
from tests.fakes.clock import FakeClock


@pytest.fixture
async def world(
    services: Services, other_settings: Callable[..., Settings], clock: FakeClock, tmp_path: Path
) -> AsyncIterator[World]:
    """A shop that takes deposits; the ledger is checked at the end."""
    built = build(other_settings(deposit_instructions="Send it", data_dir=str(tmp_path)), clock=clock)
    async with built.running(listen=False):
        yield World(built)
        assert (await built.wallet.ledger.verify(Actor.system())).balanced


@pytest.fixture
async def buyer(world: World) -> Actor:
    return await person(world.shop.identity)


@pytest.fixture
async def first(world: World, settings: Settings) -> Actor:
    return await admin(world.shop.identity, settings.root_admin_id, *BOTH)


@pytest.fixture
async def second(world: World, settings: Settings) -> Actor:
    return await admin(world.shop.identity, settings.root_admin_id, *BOTH)


@pytest.mark.parametrize("grant", [name for name in GRANTS if name != "vouchers"])
async def test_no_admin_gives_value_to_themselves(world: World, first: Actor, second: Actor, grant: str) -> None:
    attempt = await GRANTS[grant](world, first, 400)
    before = await world.balance(first)
    with pytest.raises(SecondAdminNeeded):
        await attempt(first)
    assert await world.balance(first) == before
    if grant not in {"adjustment", "debit"}:
        assert await attempt(second)


async def test_no_admin_approves_value_for_themselves(world: World, first: Actor, second: Actor) -> None:
    attempt = await world.adjustment(second, LIMIT + 1)
    assert not await attempt(first)
    (asked,) = await world.shop.wallet.adjustments.waiting(second)
    for call in (attempt(second), world.shop.wallet.adjustments.refuse(second, asked.id, "no")):
        with pytest.raises(SecondAdminNeeded):
            await call
    assert await world.balance(second) == 0


async def test_no_admin_acts_on_their_own_payments(world: World, first: Actor, second: Actor, buyer: Actor) -> None:
    top_up = await world.shop.payments.intents.start_top_up(first, "demo", usd(500), idempotency_key="tap")
    await world.report(intent_id=top_up.id, state=ProviderState.PAID, received=usd(500))
    by_hand = await world.shop.payments.intents.start_top_up(first, "deposit", usd(500), idempotency_key="hand")
    await world.report(intent_id=top_up.id, state=ProviderState.REFUNDED, refunded=usd(200))
    event = await world.event()
    for call in (
        world.shop.payments.refunds.refund_top_up(first, top_up.id, usd(100), "mine", idempotency_key="back"),
        world.shop.payments.deposits.reject(first, by_hand.id, "mine"),
        world.shop.payments.inbox.accept_refund(first, event.id),
    ):
        with pytest.raises(SecondAdminNeeded):
            await call
    assert await world.balance(first) == 500
    await world.shop.payments.inbox.accept_refund(second, event.id)


async def test_no_admin_redeems_their_own_voucher(world: World, first: Actor, buyer: Actor) -> None:
    (code,) = (await world.shop.growth.vouchers.make(first, usd(500), idempotency_key="k")).codes
    with pytest.raises(OwnVoucher):
        await world.shop.growth.codes.redeem(first, code)
    assert await world.balance(first) == 0
    assert (await world.shop.growth.codes.redeem(buyer, code)).amount == usd(500)


async def test_two_admins_add_a_bonus_rule_and_the_first_gets_no_bonus_by_it(
    world: World, first: Actor, second: Actor
) -> None:
    rule = NewBonusRule(minimum=usd(100), fixed=usd(50), ends_at=world.shop.clock.now() + WINDOW)
    for _ in range(2):
        assert await world.shop.growth.bonuses.add_rule(first, rule) is None, (
            "what it gives in all is above every limit"
        )
    ((waiting, asked),) = await world.shop.growth.bonuses.awaiting_approval(second)
    assert (waiting.by, waiting.amount, asked) == (first.id, usd(50), rule)
    with pytest.raises(SecondAdminNeeded):
        await world.shop.growth.bonuses.approve_rule(first, waiting.id)
    assert await world.shop.growth.bonuses.promised(second, "demo", usd(500)) == usd(0)
    assert await world.shop.growth.bonuses.approve_rule(second, waiting.id) is not None
    with pytest.raises(NotFound):
        await world.shop.growth.bonuses.approve_rule(second, waiting.id)
    promised = [await world.shop.growth.bonuses.promised(one, "demo", usd(500)) for one in (first, second)]
    assert promised == [usd(0), usd(50)]
    for one in (first, second):
        intent = await world.shop.payments.intents.start_top_up(one, "demo", usd(500), idempotency_key="tap")
        await world.report(intent_id=intent.id, state=ProviderState.PAID, received=usd(500))
        paid = TopUpSucceeded(
            intent_id=intent.id, user_id=one.id, order_id=None, method="demo", amount=500, balance=500, currency=USD,
            status=IntentStatus.SUCCEEDED,
        )  # fmt: skip
        await world.shop.growth.bonuses.credit(paid, world.shop.clock.now())
    assert [await world.balance(one) for one in (first, second)] == [500, 550]


@grant
async def test_above_the_limit_two_admins_approve_the_same(
    world: World, first: Actor, second: Actor, buyer: Actor, grant: str
) -> None:
    attempt = await GRANTS[grant](world, buyer, LIMIT + 2)
    before = await world.balance(buyer)
    assert not await attempt(first)
    assert await world.balance(buyer) == before
    if grant == "vouchers":
        assert not await attempt(second), "vouchers cannot be approved later: they are refused"
        return
    if grant not in {"adjustment", "debit"}:
        assert not await attempt(first), "the same admin twice is one admin"
    (waiting,) = await world.shop.approvals.waiting(second)
    assert (waiting.amount, waiting.by, waiting.user_id) == (usd(LIMIT + 2), first.id, buyer.id)
    assert await attempt(second)
    assert await world.shop.approvals.waiting(second) == []
    assert {"approvals.first", "approvals.second"} <= set(await world.actions())
    # What two admins approved counts against neither limit.
    assert await (await world.adjustment(buyer, LIMIT))(first)
    assert await (await world.adjustment(buyer, LIMIT))(second)


@grant
async def test_the_only_admin_may_and_the_audit_log_records_it(
    world: World, settings: Settings, buyer: Actor, grant: str
) -> None:
    owner = await person(world.shop.identity, settings.root_admin_id)
    attempt = await GRANTS[grant](world, buyer, 5 * LIMIT)
    assert await attempt(owner)
    assert "approvals.lone" in await world.actions()
    for own in ("refund", "deposit"):
        assert await (await GRANTS[own](world, owner, 400))(owner), "nobody else could do it"
    assert "approvals.own" in await world.actions()


@grant
async def test_all_kinds_count_together_for_all_people(
    world: World, first: Actor, second: Actor, settings: Settings, clock: FakeClock, grant: str
) -> None:
    for other in ("adjustment", "refund", "vouchers"):
        assert await (await GRANTS[other](world, await person(world.shop.identity), 3000))(first)
    attempt = await GRANTS[grant](world, await person(world.shop.identity), 1002)
    assert not await attempt(first), "a small amount of another kind for another person"
    clock.move(hours=25)
    assert await (await GRANTS[grant](world, await person(world.shop.identity), 1002))(first)


async def test_attempts_at_the_same_time_do_not_exceed_the_limit(world: World, first: Actor, second: Actor) -> None:
    attempts = [await make(world, await person(world.shop.identity), 4000) for make in GRANTS.values()]
    results = await asyncio.gather(*(attempt(first) for attempt in attempts))
    assert sum(results) == 2


async def test_two_second_admins_at_once_approve_once(
    world: World, settings: Settings, first: Actor, second: Actor, buyer: Actor
) -> None:
    third = await admin(world.shop.identity, settings.root_admin_id, *BOTH)
    for name in ("refund", "deposit"):
        attempt = await GRANTS[name](world, buyer, 2 * LIMIT)
        assert not await attempt(first)
        before = await world.balance(buyer)
        await asyncio.gather(attempt(second), attempt(third), return_exceptions=True)
        assert await world.balance(buyer) == before + 2 * LIMIT


async def test_the_approval_of_a_former_admin_does_not_count(
    world: World, settings: Settings, first: Actor, second: Actor, buyer: Actor
) -> None:
    attempts = [await GRANTS[name](world, buyer, 2 * LIMIT) for name in ("refund", "adjustment")]
    assert not any([await attempt(first) for attempt in attempts])
    root = await person(world.shop.identity, settings.root_admin_id)
    await world.shop.identity.admins.set_permissions(root, first.id, [])
    assert not any([await attempt(second) for attempt in attempts])
    assert {one.by for one in await world.shop.approvals.waiting(root)} == {second.id}
    assert await world.balance(buyer) == 0


async def test_a_first_approval_can_be_withdrawn(world: World, first: Actor, second: Actor, buyer: Actor) -> None:
    attempt = await world.refund(buyer, 2 * LIMIT)
    assert not await attempt(first)
    (waiting,) = await world.shop.approvals.waiting(second)
    with pytest.raises(Forbidden):
        await world.shop.approvals.withdraw(buyer, waiting.id)
    await world.shop.approvals.withdraw(second, waiting.id)
    with pytest.raises(NotFound):
        await world.shop.approvals.withdraw(second, waiting.id)
    assert not await attempt(second)
    assert await attempt(first)


_HELD_UP = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def test_a_withdrawal_during_an_approval_either_works_or_fails(
    world: World, first: Actor, second: Actor, buyer: Actor
) -> None:
    attempt = await world.refund(buyer, 2 * LIMIT)
    assert not await attempt(first)
    (waiting,) = await world.shop.approvals.waiting(second)
    value = NewValue(
        kind=waiting.kind, subject=waiting.subject, amount=waiting.amount, permission=waiting.permission,
        user_id=waiting.user_id, facts=waiting.facts,
    )  # fmt: skip
    async with world.shop.uow() as tx:
        assert await domain.make(tx, second, value, usd(LIMIT)) is Approval.GIVEN
        withdrawing = asyncio.create_task(world.shop.approvals.withdraw(first, waiting.id))
        while not withdrawing.done() and not (await tx.execute(_HELD_UP)).scalar_one():
            await asyncio.sleep(0.005)
    with pytest.raises(NotFound):
        await withdrawing
    assert "approvals.withdraw" not in await world.actions()


@pytest.mark.parametrize("seed", range(6))
async def test_no_admin_exceeds_the_limit_within_24_hours(uow: UnitOfWork, clock: FakeClock, seed: int) -> None:
    """Value is split over kinds, people and hours; what two admins approve does not count."""
    dice = random.Random(seed)
    async with uow() as tx:
        receivers = [await add_person(tx) for _ in range(4)]
        admins = []
        for _ in range(3):
            user_id = await add_person(tx)
            await tx.execute(text("UPDATE users SET permissions = '{money}' WHERE id = :id"), {"id": user_id})
            admins.append(actor_of(user_id))
    for _ in range(60):
        clock.move(minutes=dice.randint(0, 240))
        by = dice.choice(admins)
        value = NewValue(
            kind=dice.choice(list(ValueKind)), subject=str(dice.randint(0, 9)), permission=Permission.MONEY,
            amount=usd(dice.choice([1, 900, 2500, LIMIT, LIMIT + 1])), user_id=dice.choice(receivers),
        )  # fmt: skip
        async with uow() as tx:
            await domain.make(tx, by, value, usd(LIMIT))
    async with uow.read() as tx:
        alone = "SELECT made_by, made_at, amount FROM value_made WHERE approved_by IS NULL AND made_at IS NOT NULL"
        rows = [tuple(row) for row in await tx.execute(text(alone))]
    assert len(rows) > 10
    for by_id, end, _ in rows:
        window = [amount for who, at, amount in rows if who == by_id and end - WINDOW < at <= end]
        assert sum(window) <= LIMIT, (seed, by_id, end)
