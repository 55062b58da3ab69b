"""Background work of notifications."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time
from typing import Any, Final

from backend.growth.types import GiftCardRedeemed
from backend.infra.jobs import Cron, Handler, Job, Task
from backend.kernel.events import Event
from backend.notifications.domain import REMIND, SEND
from backend.notifications.notice import Edit, Notice
from backend.notifications.notices import NOTICES
from backend.notifications.service import NotificationsService
from backend.notifications.types import SendNotification
from backend.orders.types import OrderPaid
from backend.orders.types.keys import KeysRequested

_SENT_AT_ONCE = 5
"""Enough for all that Telegram takes (30 messages a second); a Telegram that is silent leaves room for other jobs."""
_REMINDED_AT_ONCE = 2
_PURGE_AT = time(3, 40)
# Names that jobs in the outbox hold; those of other events are made from the event's name.
_STORED: Final[dict[type[Event], str]] = {
    OrderPaid: "order_paid_buyer",
    KeysRequested: "order_keys_to_chat",
    GiftCardRedeemed: "gift_redeemed",
}
# No event starts it any more; jobs that were stored before still run. It repeats what the other task of OrderPaid does.
_RETIRED: Final = Handler("notifications.order_paid_admins", OrderPaid)


def handlers(notices: Iterable[Notice[Any] | Edit[Any]]) -> tuple[Handler, ...]:
    """One task for each event of ``notices``: it stores all messages of the event."""
    events = dict.fromkeys(notice.event for notice in notices)
    return tuple(Handler(f"notifications.{_STORED.get(event, _snake(event.name()))}", event) for event in events)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


HANDLERS: Final = handlers(NOTICES)
"""The events that chat messages tell of."""


def tasks(service: NotificationsService) -> list[Task]:
    """Tasks: store the messages of an event; send one message."""

    async def send(payload: SendNotification, job: Job) -> None:
        await service.send(payload.notification_id, job)

    storing = [handler.runs(service.handle, follows=True) for handler in (*handlers(service.notices), _RETIRED)]
    return [
        *storing,
        Task(SEND, SendNotification, send, follows=True, at_once=_SENT_AT_ONCE),
        Task(REMIND, SendNotification, send, at_once=_REMINDED_AT_ONCE),
    ]


def crons(service: NotificationsService) -> list[Cron]:
    """Old notifications are deleted at night."""
    return [Cron("notifications.purge", service.purge, at=_PURGE_AT)]
