"""Background work of orders."""

from __future__ import annotations

from typing import Final

from backend.catalog.types.fulfilment import LineFailed, LineFulfilled
from backend.identity.types import PersonBlocked
from backend.infra.jobs import Cron, Handler, Job, Task
from backend.orders.service import SETTLE, OrdersServices
from backend.payments.types import TopUpSucceeded

_EXPIRE_EVERY_SECONDS = 15
_REMIND_EVERY_SECONDS = 300
_SETTLE_PAYMENT: Final = Handler(SETTLE, TopUpSucceeded, when=lambda event: event.order_id is not None)
_CANCEL_BLOCKED: Final = Handler("orders.cancel_blocked", PersonBlocked)
_DELIVER_LINE: Final = Handler("orders.deliver_line", LineFulfilled)
_FAIL_LINE: Final = Handler("orders.fail_line", LineFailed)
HANDLERS: Final = (_SETTLE_PAYMENT, _CANCEL_BLOCKED, _DELIVER_LINE, _FAIL_LINE)
"""The events that orders react to."""


def tasks(services: OrdersServices) -> list[Task]:
    """The tasks: pay an order when its payment arrives; cancel what a blocked person has reserved; end slow lines."""

    async def settle(event: TopUpSucceeded, _job: Job) -> None:
        await services.settlement.settle_payment(event)

    async def cancel_blocked(event: PersonBlocked, _job: Job) -> None:
        await services.reservations.cancel_blocked(event)

    async def settle_line(event: LineFulfilled | LineFailed, _job: Job) -> None:
        await services.settlement.settle_line(event)

    return [
        _SETTLE_PAYMENT.runs(settle),
        _CANCEL_BLOCKED.runs(cancel_blocked),
        _DELIVER_LINE.runs(settle_line),
        _FAIL_LINE.runs(settle_line),
    ]


def crons(services: OrdersServices) -> list[Cron]:
    """The timers: expire unpaid orders every 15 seconds, look for carts that were left every 5 minutes."""

    async def expire() -> None:
        await services.reservations.expire_lapsed()

    async def remind() -> None:
        await services.cart.remind()

    return [
        Cron("orders.expire_lapsed", expire, seconds=_EXPIRE_EVERY_SECONDS),
        Cron("orders.remind_carts", remind, seconds=_REMIND_EVERY_SECONDS),
    ]
