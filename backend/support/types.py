"""Messages between customers and the shop, and what messages of the bot are about."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.identity.types import Permission
from backend.kernel.events import Event
from backend.kernel.ids import OrderId, UserId

SupportMessageId = NewType("SupportMessageId", UUID)


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
    SubjectKind.SUPPORT: Permission.ORDERS,
    SubjectKind.SUBMISSION: Permission.TEACHING,
    SubjectKind.LESSON: Permission.TEACHING,
}


class SupportMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message in Telegram's chat ``chat_id``, from where it is copied.

    ``author_id`` is the customer (``user_id``) or the admin who answers.
    """

    id: SupportMessageId
    user_id: UserId
    author_id: UserId
    chat_id: int
    message_id: int
    order_id: OrderId | None

    @property
    def is_answer(self) -> bool:
        """Whether an admin wrote the message."""
        return self.author_id != self.user_id


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
