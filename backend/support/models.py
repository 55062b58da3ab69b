"""The tables of support."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class ChatSubject(Model):
    """What a message of the bot is about: a reply to it belongs to this order, deposit, conversation or submission."""

    __tablename__ = "chat_subjects"
    __table_args__ = (
        CheckConstraint("kind IN ('order', 'deposit', 'support', 'submission', 'lesson')", name="kind"),
        Index("ix_chat_subjects_created_at", "created_at"),
    )

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class SupportMessage(Model):
    """A message between a customer and the shop; its text is not stored, it stays in Telegram's chats."""

    __tablename__ = "support_messages"
    __table_args__ = (
        UniqueConstraint("chat_id", "message_id"),
        Index("ix_support_messages_user_id", "user_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    created_at: Mapped[datetime]
