"""Tickets, messages between customers and the shop, and what messages of the bot are about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.identity.types import Permission
from backend.kernel.events import Event
from backend.kernel.ids import NUMBERS, Numbering, OrderId, UserId, short_number
from backend.kernel.text import Locale

SupportMessageId = NewType("SupportMessageId", UUID)
TicketId = NewType("TicketId", UUID)
ReadyAnswerId = NewType("ReadyAnswerId", UUID)

TICKET_TOPIC: Final = "ticket"
"""The signal that a ticket has changed; its key is the ticket's id."""
RATE_PREFIX: Final = "rate:"
"""The callback data of a rating's button: this, the ticket's id and the stars."""
MOST_STARS: Final = 5
LONGEST_TEXT: Final = 4096
"""Telegram's limit for a message, in UTF-16 units."""
TEXT_KIND: Final = "text"
"""The kind of a message that is nothing but text; others are Telegram's names, such as ``photo``."""


class SubjectKind(StrEnum):
    """The kind of thing that a message of the bot is about."""

    ORDER = "order"
    DEPOSIT = "deposit"
    SUPPORT = "support"
    SUBMISSION = "submission"
    """An assignment of a student, or a question to the teacher."""
    LESSON = "lesson"
    """What is replied to it is submitted for the lesson."""


class Subject(msgspec.Struct, frozen=True):
    """What a message of the bot is about, and the customer to whom that belongs.

    ``id`` is the id of the order, the payment, the submission or the lesson; for a support conversation, of the
    customer. ``version`` is of a submission.
    """

    kind: SubjectKind
    id: UUID
    user_id: UserId
    version: int | None = None

    @property
    def permission(self) -> Permission:
        """The permission that an admin needs to answer the customer."""
        return ANSWERING[self.kind]


ANSWERING: Final = {
    SubjectKind.ORDER: Permission.ORDERS,
    SubjectKind.DEPOSIT: Permission.MONEY,
    SubjectKind.SUPPORT: Permission.TICKETS,
    SubjectKind.SUBMISSION: Permission.TEACHING,
    SubjectKind.LESSON: Permission.TEACHING,
}


class TicketState(StrEnum):
    """Whose turn it is in a conversation; stored."""

    OPEN = "open"
    """The customer waits for an answer."""
    WAITING = "waiting"
    """The shop waits for the customer."""
    CLOSED = "closed"


class TicketFilter(StrEnum):
    """Which tickets a list shows."""

    OPEN = "open"
    MINE = "mine"
    """Those of the actor that are not closed."""
    WAITING = "waiting"
    CLOSED = "closed"


class Delivery(StrEnum):
    """What became of an answer; stored."""

    PENDING = "pending"
    DELIVERED = "delivered"
    BLOCKED = "blocked"
    """The customer has blocked the bot or deleted the chat."""
    REFUSED = "refused"
    """Telegram does not take such a message from a bot."""
    FAILED = "failed"


class ChatPost(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it was written in a chat with the bot; ``kind`` is Telegram's, ``text`` its text or caption."""

    message_id: int = 0
    """0 for one that is not in a chat yet."""
    kind: str = TEXT_KIND
    text: str = ""
    reply_to: int | None = None


class SupportMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message between a customer and the shop, without its text.

    ``author_id`` is the customer (``user_id``) or the admin who answers. ``chat_id`` and ``message_id`` are where
    Telegram copies it from; None for one that was written in the back office.
    """

    id: SupportMessageId
    user_id: UserId
    author_id: UserId
    chat_id: int | None
    message_id: int | None
    order_id: OrderId | None
    ticket_id: TicketId | None = None
    kind: str = TEXT_KIND
    delivery: Delivery | None = None

    @property
    def is_answer(self) -> bool:
        """Whether an admin wrote the message."""
        return self.author_id != self.user_id


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation with one customer.

    ``state_since`` is when it entered its state; while the customer waits, since when they do. ``asked_at`` is when
    they first wrote, None while only the shop has; ``answered_at`` is the first answer to that.
    """

    id: TicketId
    sequence: int
    user_id: UserId
    state: TicketState
    state_since: datetime
    opened_at: datetime
    assignee_id: UserId | None
    order_id: OrderId | None
    asked_at: datetime | None
    answered_at: datetime | None
    rating: int | None

    @property
    def number(self) -> str:
        """The number that people see, such as ``T-4K7Q2M``."""
        return ticket_number(self.sequence)


def ticket_number(sequence: int) -> str:
    """The number of the ``sequence``-th ticket."""
    return f"T-{short_number(sequence % NUMBERS, Numbering.TICKETS)}"


class TicketRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket in a list: its last message, shortened, and who wrote that."""

    ticket: Ticket
    text: str
    kind: str
    by_customer: bool


class ThreadMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a conversation with its text; ``text`` is None where that was erased."""

    message: SupportMessage
    text: str | None
    at: datetime


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket with the latest of its messages, the oldest first; ``earlier`` is the id to ask for those before."""

    ticket: Ticket
    messages: tuple[ThreadMessage, ...]
    earlier: SupportMessageId | None
    order_number: str | None


class TicketCounts(msgspec.Struct, frozen=True):
    """How many tickets there are, and since when the oldest open one waits."""

    open: int
    mine: int
    waiting: int
    oldest: datetime | None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the shop can write to a person; ``ticket_id`` is the conversation that it goes on."""

    name: str
    language: Locale
    blocked_bot: bool
    ticket_id: TicketId | None


class ReadyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is written once and used often, in each language that it has."""

    id: ReadyAnswerId
    name: str
    texts: Mapping[str, str]
    version: int


class FirstAnswers(msgspec.Struct, frozen=True):
    """How long customers waited for a first answer: of ``answered`` tickets, half at most ``median``; ratings too."""

    answered: int
    median: timedelta | None
    rated: int
    rating: float | None


class Received(msgspec.Struct, frozen=True):
    """Whether a customer's message is new, and whether it starts a conversation."""

    new: bool
    begins: bool


class Answered(msgspec.Struct, frozen=True):
    """An admin's answer was queued for the customer with this ``name``; ``new``: it was not queued before."""

    name: str
    new: bool


class SupportAsked(Event, frozen=True, kw_only=True):
    """A customer wrote to the shop."""

    message_id: SupportMessageId
    user_id: UserId


class SupportAnswered(Event, frozen=True, kw_only=True):
    """An admin answered a customer."""

    message_id: SupportMessageId
    user_id: UserId
    author_id: UserId


class SupportShown(Event, frozen=True, kw_only=True):
    """An admin wants to see a message in their own chat."""

    message_id: SupportMessageId
    admin_id: UserId


class TicketHandedOver(Event, frozen=True, kw_only=True):
    """An admin has given a ticket to another one."""

    ticket_id: TicketId
    to_id: UserId
    by_id: UserId


class TicketClosed(Event, frozen=True, kw_only=True):
    """A ticket was closed for the first time: the customer is asked how it went."""

    ticket_id: TicketId
    user_id: UserId
