"""What admins are told before money goes back, and comparisons that they ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden
from backend.kernel.ids import UserId, new_id
from backend.kernel.money import Money
from backend.payments import rules
from backend.payments.service import InboxService, IntentsService, ReconciliationService
from backend.payments.types import (
    Capabilities,
    Intent,
    IntentId,
    IntentStatus,
    ProviderReport,
    ProviderState,
    ReconcileProvider,
    RefundObstacle,
)
from tests.factories.catalog import buyer
from tests.factories.wallet import USD, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_BOTH = Capabilities(refundable=True)
_WHOLE = Capabilities(refundable=True, partial_refunds=False)


def paid(credited: int = 2000, refunded: int = 0) -> Intent:
    return Intent(
        id=IntentId(new_id()), number=1, user_id=UserId(new_id()), method="fake", amount=usd(2000),
        credited=usd(credited), refunded=usd(refunded), payable=usd(2000), received=usd(credited),
        status=IntentStatus.SUCCEEDED, action=None, external_id="1", charge_id=None, progress={}, order_id=None,
        created_at=_NOW, updated_at=_NOW, expires_at=_NOW + timedelta(hours=1), polls=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("intent", "can", "balance", "most", "obstacle"),
    [
        (paid(), _BOTH, 5000, 2000, None),
        (paid(), _BOTH, 700, 700, None),
        (paid(refunded=500), _BOTH, 5000, 1500, None),
        (paid(), _WHOLE, 2000, 2000, None),
        (paid(), _WHOLE, 1999, 0, RefundObstacle.SPENT),
        (paid(refunded=500), _WHOLE, 5000, 0, RefundObstacle.NOTHING_LEFT),
        (paid(refunded=2000), _BOTH, 5000, 0, RefundObstacle.NOTHING_LEFT),
        (paid(credited=0), _BOTH, 5000, 0, RefundObstacle.NOTHING_LEFT),
        (paid(), _BOTH, 0, 0, RefundObstacle.SPENT),
        (paid(), None, 5000, 0, RefundObstacle.METHOD_OFF),
        (paid(), Capabilities(), 5000, 0, RefundObstacle.METHOD_CANNOT),
    ],
)
def test_what_can_go_back(
    intent: Intent, can: Capabilities | None, balance: int, most: int, obstacle: RefundObstacle | None
) -> None:
    choice = rules.refund_choice(intent, can, Money(balance, USD))
    assert (choice.most, choice.obstacle) == (usd(most), obstacle)
    if obstacle is None:  # what is offered is what the refund itself lets through
        assert can is not None
        rules.check_refund(intent, choice.most if not choice.whole_only else intent.credited, can)


async def _open_jobs(uow: UnitOfWork) -> list[str]:
    async with uow.read() as tx:
        statement = text("SELECT payload->>'way' FROM outbox_jobs WHERE task = 'payments.compare' AND done_at IS NULL")
        return sorted((await tx.execute(statement)).scalars())


async def test_a_comparison_is_asked_for_once_while_it_is_to_come(real_uow: UnitOfWork, clock: FakeClock) -> None:
    keeper = Actor.system()
    providers = {name: FakeProvider(name) for name in ("one", "two")}
    service = ReconciliationService(uow=real_uow, providers=providers)
    await service.request(keeper)
    await service.request(keeper)
    assert await _open_jobs(real_uow) == ["one", "two"]
    assert await service.pending(keeper) == ["one", "two"]
    async with real_uow() as tx:
        await tx.execute(text("UPDATE outbox_jobs SET done_at = :now WHERE payload->>'way' = 'one'"), {"now": tx.now})
    assert await service.pending(keeper) == ["two"]
    await service.request(keeper)
    assert await _open_jobs(real_uow) == ["one", "two"]
    clock.move(seconds=1)
    await service.reconcile(ReconcileProvider("one"))
    assert await service.pending(keeper) == ["two"]  # also before its job is done with
    await service.reconcile(ReconcileProvider("switched off since"))
    assert [done.method for done in await service.latest(keeper)] == ["one"]


async def test_unmatched_payments_are_counted_for_admins_of_payments(
    real_uow: UnitOfWork, payments: IntentsService
) -> None:
    inbox, keeper = InboxService(uow=real_uow, single_admin_limit=lambda: usd(10**15)), Actor.system()
    assert await inbox.count_unmatched(keeper) == 0
    report = ProviderReport(event_id="stray", state=ProviderState.PAID, external_id="unknown", received=usd(500))
    await payments.settle("fake", report)
    assert await inbox.count_unmatched(keeper) == 1
    row = (await inbox.unmatched(keeper)).items[0]
    assert (await inbox.event(keeper, row.id)).event_id == "stray"
    other = buyer(permissions=frozenset(Permission) - {Permission.MONEY})
    service = ReconciliationService(uow=real_uow, providers={})
    for refused in (
        inbox.count_unmatched(other), inbox.event(other, row.id), service.request(other), service.pending(other),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await refused
