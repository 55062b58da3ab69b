"""Background work of notifications."""

from __future__ import annotations

from datetime import time

from backend.catalog.types import StockLow
from backend.infra.jobs import Cron, Job, Task
from backend.notifications.service import SEND, NotificationsService
from backend.notifications.types import SendNotification
from backend.orders.types import KeysRequested, OrderPaid
from backend.payments.types import TopUpSucceeded

_PURGE_AT = time(3, 40)


def tasks(service: NotificationsService) -> list[Task]:
    """Five that note what is to be told, and the one that tells it."""

    async def order_paid_buyer(event: OrderPaid, _job: Job) -> None:
        await service.note_order_paid(event)

    async def order_paid_admins(event: OrderPaid, _job: Job) -> None:
        await service.note_order_for_admins(event)

    async def order_keys_to_chat(event: KeysRequested, job: Job) -> None:
        await service.note_keys_requested(event, job.id)

    async def top_up_succeeded(event: TopUpSucceeded, job: Job) -> None:
        await service.note_top_up(event, job.id)

    async def stock_low(event: StockLow, job: Job) -> None:
        await service.note_stock_low(event, job.id)

    async def send(payload: SendNotification, job: Job) -> None:
        await service.send(payload.notification_id, job)

    return [
        Task("notifications.order_paid_buyer", OrderPaid, order_paid_buyer),
        Task("notifications.order_paid_admins", OrderPaid, order_paid_admins),
        Task("notifications.order_keys_to_chat", KeysRequested, order_keys_to_chat),
        Task("notifications.top_up_succeeded", TopUpSucceeded, top_up_succeeded),
        Task("notifications.stock_low", StockLow, stock_low),
        Task(SEND, SendNotification, send),
    ]


def crons(service: NotificationsService) -> list[Cron]:
    """Old notifications are forgotten at night."""
    return [Cron("notifications.purge", service.purge, at=_PURGE_AT)]
