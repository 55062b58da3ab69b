"""What a chat message is: one ``Notice``, in the file of its slice in ``notices``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from backend.identity import domain as identity
from backend.identity.types import Permission, Recipient
from backend.infra.crypto import KeyRing
from backend.infra.formatting import format_moment, timezone
from backend.infra.jobs import Job
from backend.infra.storage import PrivateFiles, StoredFile
from backend.infra.unit_of_work import Tx
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.notifications.messages import Words
from backend.notifications.types import Message, Outcome
from backend.orders.domain.lines import Fulfillers
from backend.payments.types import IntentId

E = TypeVar("E", bound=Event)
Params = dict[str, Any]
"""The stored facts of a message: ids and amounts of its event as JSON, never secrets."""
Receipts = Callable[[IntentId], Awaitable[StoredFile | None]]
"""Returns the latest transfer receipt of a deposit."""


class Draft(msgspec.Struct, frozen=True):
    """What a composer works with: an open transaction, the reader and their language, and what opens secrets."""

    tx: Tx
    reader: Recipient
    words: Words
    fulfillers: Fulfillers
    ring: KeyRing
    files: PrivateFiles
    receipts: Receipts

    def moment(self, value: datetime) -> str:
        """An hour in the reader's time zone, with its day unless that is today."""
        zone = timezone(self.reader.timezone)
        return format_moment(value.astimezone(zone), self.tx.now.astimezone(zone).date(), self.words.locale)

    def live_moment(self, value: datetime) -> str:
        """A moment that each of the reader's apps shows in its own zone and language; ``moment`` where one cannot."""
        return f'<tg-time unix="{int(value.timestamp())}" format="wDt">{self.moment(value)}</tg-time>'


Composer = Callable[[Draft, Params], Awaitable[Message | None]]
"""Writes a message from its facts as they are when it is sent; None when it is not needed any more.

A NotFound that it raises means the same."""


class Audience(msgspec.Struct, Generic[E], frozen=True):
    """Who receives a notice. ``each``: the key of each reader's message ends with their id."""

    find: Callable[[Tx, E], Awaitable[Sequence[UserId]]]
    each: bool = False


def person(who: Callable[[E], UserId]) -> Audience[E]:
    """One person, named by the event."""

    async def find(_tx: Tx, event: E) -> Sequence[UserId]:
        return [who(event)]

    return Audience(find)


def admins(
    permission: Permission | Callable[[E], Permission], *, but: Callable[[E], Collection[UserId | None]] = lambda _: ()
) -> Audience[E]:
    """Every admin with ``permission``, except those in ``but``."""

    async def find(tx: Tx, event: E) -> Sequence[UserId]:
        needed = permission if isinstance(permission, Permission) else permission(event)
        return [admin.user_id for admin in await identity.list_admins(tx, needed) if admin.user_id not in but(event)]

    return Audience(find, each=True)


def event_params(event: Event, _job: Job) -> list[Params]:
    """The facts of the event itself: one message."""
    params: Params = msgspec.to_builtins(event)
    return [params]


class Notice(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """One message that the shop sends to a chat when ``event`` happens.

    ``key`` and ``thread`` are templates over ``params`` and ``{job}``, the id of the job that the event started.
    """

    event: type[E]
    kind: str
    """The stored name of the message; must not change. Notices of one kind share their composer."""
    audience: Audience[E]
    key: str
    """The idempotency key: a key that exists sends nothing again. ``{job}`` tells repeated events apart."""
    compose: Composer
    when: Callable[[E], bool] = lambda _: True
    params: Callable[[E, Job], Iterable[Params]] = event_params
    """The facts that are stored, one message for each."""
    thread: str = ""
    """Names what the message is about; an ``Edit`` of the same thread changes it in the chat."""
    edits: bool = False
    """An event whose key exists edits the messages of its thread with its own facts."""
    to_blocked: bool = False
    """Blocked people receive it too."""
    urgent: bool = True
    """False: it is not sent in the reader's quiet hours, and says how things are once these have ended."""
    not_before: Callable[[E], datetime | None] = lambda _: None
    """When it is sent at the earliest; None for at once. Its composer may postpone it again by SlowDown."""
    settled: Callable[[Tx, Params, Outcome], Awaitable[None]] | None = None
    """Records in its slice what became of the message, in the transaction that settles it."""
    undelivered: Callable[[Params, bool], Event] | None = None
    """The event that follows when the message cannot be delivered; True when Telegram refused the message itself."""


class Edit(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """Changes messages that were sent already, when ``event`` happens: their facts, and so their text."""

    event: type[E]
    thread: str
    changes: Callable[[E], Params]
    only_last: bool = False
    """Only the latest message of the thread is changed."""
    unless: str = ""
    """Messages that have this fact already stay as they are."""
