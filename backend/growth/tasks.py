"""Background work of growth."""

from __future__ import annotations

from typing import Final

from backend.growth.service import BonusesService, PremiumService
from backend.infra.jobs import Cron, Handler, Job, Task
from backend.payments.types import PaymentTakenBack, RefundEnded, TopUpSucceeded

_REMIND_EVERY_SECONDS: Final = 300
# A payment for an order earns no bonus.
_CREDIT: Final = Handler("growth.credit_bonus", TopUpSucceeded, when=lambda event: event.order_id is None)
_REFUND_ENDED: Final = Handler("growth.take_bonus_back", RefundEnded)
_TAKEN_BACK: Final = Handler("growth.take_bonus_back_too", PaymentTakenBack)
HANDLERS: Final = (_CREDIT, _REFUND_ENDED, _TAKEN_BACK)
"""The events that growth reacts to."""


def crons(premium: PremiumService) -> list[Cron]:
    """The timer: remind people of the end of their premium, every 5 minutes."""

    async def remind() -> None:
        await premium.remind()

    return [Cron("growth.remind_premium", remind, seconds=_REMIND_EVERY_SECONDS)]


def tasks(bonuses: BonusesService) -> list[Task]:
    """The tasks that credit top-up bonuses and reclaim them after refunds."""

    async def credit(event: TopUpSucceeded, job: Job) -> None:
        await bonuses.credit(event, job.created_at)

    async def refund_ended(event: RefundEnded, _job: Job) -> None:
        await bonuses.refund_ended(event)

    async def taken_back(event: PaymentTakenBack, _job: Job) -> None:
        await bonuses.reclaim(event.intent_id)

    return [_CREDIT.runs(credit), _REFUND_ENDED.runs(refund_ended), _TAKEN_BACK.runs(taken_back)]
