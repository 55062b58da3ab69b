"""Stores the notifications that an event asks for, in the caller's transaction; a job of its own sends each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from backend.infra.jobs import Job
from backend.infra.timeline import EntryKind, Source
from backend.infra.unit_of_work import Tx
from backend.kernel.events import Event
from backend.notifications import repository
from backend.notifications.notice import Edit, Notice, Params, event_params
from backend.notifications.types import SendNotification

SEND: Final = "notifications.send"
REMIND: Final = "notifications.remind"
"""Sends what is not urgent: a task of its own, so that a thousand reminders take no place from a key."""

TIMELINE: Final = Source(EntryKind.MESSAGE, repository.list_timeline)
"""The messages that a person was sent, for their timeline."""


async def apply(tx: Tx, row: Notice[Any] | Edit[Any], event: Event, job: Job) -> None:
    """Store the messages of a notice, or change those that an edit names. Running it again changes nothing."""
    if isinstance(row, Notice):
        await _store(tx, row, event, job)
        return
    (facts,) = event_params(event, job)
    await _edit(tx, row.thread.format(**facts), row.changes(event), only_last=row.only_last, unless=row.unless)


async def _store(tx: Tx, notice: Notice[Any], event: Event, job: Job) -> None:
    if not notice.when(event):
        return
    for params in notice.params(event, job):
        facts = params | {"job": job.id}
        key, thread = notice.key.format(**facts), notice.thread.format(**facts) or None
        for user_id in await notice.audience.find(tx, event):
            unique = f"{key}:{user_id}" if notice.audience.each else key
            new_id = await repository.add(tx, user_id, notice.kind, params, unique, thread)
            if new_id is not None:
                delay = max((notice.not_before(event) or tx.now) - tx.now, timedelta())
                task = SEND if notice.urgent else REMIND
                tx.enqueue(task, SendNotification(new_id), delay=delay, unique_key=f"{SEND}:{new_id}")
            elif notice.edits and thread:
                await _edit(tx, thread, params)


async def _edit(tx: Tx, thread: str, changes: Params, *, only_last: bool = False, unless: str = "") -> None:
    for changed in await repository.change(tx, thread, changes, only_last=only_last, unless=unless):
        send = SendNotification(changed.id)
        tx.enqueue(SEND, send, unique_key=f"{SEND}:{changed.id}:{changed.revision}")
