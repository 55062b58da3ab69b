"""What chats are about, and messages between people and the shop."""

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
    """What a message in a chat speaks of."""

    ORDER = "order"
    DEPOSIT = "deposit"
    SUPPORT = "support"


class Subject(msgspec.Struct, frozen=True):
    """What a message in a chat speaks of, and the customer whose it is.

    ``id`` is the order's, the payment's, or for a support conversation the customer's own.
    """

    kind: SubjectKind
    id: UUID
    user_id: UserId

    @property
    def permission(self) -> Permission:
        """What an admin needs to answer the customer about it."""
        return ANSWERING[self.kind]


ANSWERING: Final = {
    SubjectKind.ORDER: Permission.ORDERS,
    SubjectKind.DEPOSIT: Permission.MONEY,
    SubjectKind.SUPPORT: Permission.ORDERS,
}


class SupportMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message: it lies in Telegram's chat ``chat_id``, and is copied from there.

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
        """Whether the shop wrote it."""
        return self.author_id != self.user_id


class Received(msgspec.Struct, frozen=True):
    """What became of a customer's message: whether it is new, and whether it begins a conversation."""

    new: bool
    begins: bool


class Answered(msgspec.Struct, frozen=True):
    """An admin's answer is on its way to this customer."""

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
