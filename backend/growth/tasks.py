"""Background work of growth."""

from __future__ import annotations

from backend.growth.service import BonusesService
from backend.infra.jobs import Job, Task
from backend.payments.types import PaymentTakenBack, RefundEnded, TopUpSucceeded


def tasks(bonuses: BonusesService) -> list[Task]:
    """What top-ups bring on top, and what their refunds take back of it."""

    async def credit(event: TopUpSucceeded, job: Job) -> None:
        await bonuses.credit(event, job.created_at)

    async def refund_ended(event: RefundEnded, _job: Job) -> None:
        await bonuses.refund_ended(event)

    async def taken_back(event: PaymentTakenBack, _job: Job) -> None:
        await bonuses.take_back(event.intent_id)

    return [
        Task("growth.credit_bonus", TopUpSucceeded, credit),
        Task("growth.take_bonus_back", RefundEnded, refund_ended),
        Task("growth.take_bonus_back_too", PaymentTakenBack, taken_back),
    ]
