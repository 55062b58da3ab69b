"""Background work of payments."""

from __future__ import annotations

from datetime import time

from backend.infra.jobs import Cron, Job, Task
from backend.payments.domain import SEND_REFUND, SEND_RENEWAL
from backend.payments.service import POLL, RECONCILE, PaymentServices
from backend.payments.types import PollIntent, ReconcileProvider, SendRefund, SendRenewal

_SWEEP_SECONDS = 15
_STATEMENT_SECONDS = 900
_RECONCILED_AT = time(3, 40)  # UTC: when few people buy
_RECONCILE_SECONDS = 600  # without a statement, the provider is asked about each payment


def tasks(payments: PaymentServices) -> list[Task]:
    """Tasks: poll a payment's provider, send a refund or a wish about renewals, reconcile a provider."""

    async def poll(payload: PollIntent, _job: Job) -> None:
        await payments.intents.poll(payload)

    async def send_refund(payload: SendRefund, _job: Job) -> None:
        await payments.refunds.send(payload)

    async def send_renewal(payload: SendRenewal, _job: Job) -> None:
        await payments.renewals.send(payload)

    async def reconcile_one(payload: ReconcileProvider, _job: Job) -> None:
        await payments.reconciliation.reconcile(payload)

    return [
        Task(POLL, PollIntent, poll),
        Task(SEND_REFUND, SendRefund, send_refund, at_once=2),
        Task(SEND_RENEWAL, SendRenewal, send_renewal, at_once=1),
        Task(RECONCILE, ReconcileProvider, reconcile_one, timeout=_RECONCILE_SECONDS, at_once=1),
    ]


def crons(payments: PaymentServices) -> list[Cron]:
    """Timers: resume payments and refunds whose job was lost; reconcile every provider daily; read recent statements of
    providers without webhooks."""

    async def sweep() -> None:
        await payments.intents.sweep()
        await payments.refunds.sweep()

    async def reconcile() -> None:
        await payments.reconciliation.reconcile_all()

    return [
        Cron("payments.sweep", sweep, seconds=_SWEEP_SECONDS),
        Cron("payments.reconcile", reconcile, at=_RECONCILED_AT),
        Cron("payments.glance", payments.reconciliation.poll_statements, seconds=_STATEMENT_SECONDS),
    ]
