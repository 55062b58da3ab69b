"""The tables of notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class Notification(Model):
    """One message to one person. ``params`` hold ids and amounts; secrets are read when it is sent.

    ``thing`` names what it is about. A later event about it raises ``revision``, and the message in the chat is edited.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'sent', 'blocked', 'withheld', 'failed')", name="status"),
        Index("ix_notifications_user_id", "user_id", "created_at"),
        Index("ix_notifications_created_at", "created_at"),
        Index("ix_notifications_thing", "thing", postgresql_where=text("thing IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    params: Mapped[dict[str, Any]]
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    thing: Mapped[str | None]
    revision: Mapped[int] = mapped_column(server_default=text("0"))
    status: Mapped[str] = mapped_column(server_default=text("'pending'"))
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    message_id: Mapped[int | None]
    error: Mapped[str | None]


class TelegramFile(Model):
    """Telegram's id of a stored file that the bot ``bot_id`` has sent; another bot cannot use it."""

    __tablename__ = "telegram_files"

    bot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[str] = mapped_column(primary_key=True)
    """The file's stored name, which follows from what is in it."""
    file_id: Mapped[str]
    stored_at: Mapped[datetime]
