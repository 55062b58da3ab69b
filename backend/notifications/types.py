"""Messages, and what becomes of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.support.types import Subject, SupportMessageId

ANSWER_PREFIX: Final = "answer:"
"""The callback data of a Reply button: this and the customer's id."""
NotificationId = NewType("NotificationId", UUID)


class Status(StrEnum):
    """What became of a notification."""

    PENDING = "pending"
    SENT = "sent"
    BLOCKED = "blocked"
    """The person has blocked the bot."""
    WITHHELD = "withheld"
    """The person is blocked, or the message is not needed any more."""
    FAILED = "failed"


class Outcome(StrEnum):
    """How the sending of a message ended."""

    SENT = "sent"
    UNREACHABLE = "unreachable"
    """The person has blocked the bot or deleted the chat."""
    REFUSED = "refused"
    """Telegram does not take this message."""
    FAILED = "failed"
    """Telegram did not answer until the last try."""


class SupportUndelivered(Event, frozen=True, kw_only=True):
    """An admin's answer did not reach the customer; ``refused``: Telegram does not copy such a message."""

    message_id: SupportMessageId
    user_id: UserId
    author_id: UserId
    refused: bool = False


class SendNotification(msgspec.Struct, frozen=True):
    """The payload of ``notifications.send``."""

    notification_id: NotificationId


class Button(msgspec.Struct, frozen=True):
    """A button below a message: opens ``url`` in the Mini App, copies ``copy``, or sends ``callback`` to the bot.

    ``link`` opens an address outside of the Mini App, such as a group. ``beside``: it stands in the row of the button
    before it.
    """

    text: str
    url: str = ""
    copy: str = ""
    callback: str = ""
    link: str = ""
    beside: bool = False


class Document(msgspec.Struct, frozen=True):
    """A file to be sent; a ``picture`` is shown in the chat."""

    name: str
    content: bytes
    picture: bool = False


class Original(msgspec.Struct, frozen=True):
    """A message in another chat with the bot, to be copied whatever it is: words, pictures, voice, stickers."""

    chat_id: int
    message_id: int


class Message(msgspec.Struct, frozen=True):
    """A message as it will be sent: Telegram's HTML, buttons one a row; with a document the text is its caption.

    ``picture`` names a stored picture to stand above the text, where Telegram can show it.
    ``original`` is copied instead, with the buttons; the text is for where it cannot be. ``protect``: Telegram lets
    nobody forward or save it. ``about``: what a reply to it is about.
    """

    text: str
    buttons: tuple[Button, ...] = ()
    document: Document | None = None
    picture: str | None = None
    protect: bool = False
    original: Original | None = None
    about: Subject | None = None
