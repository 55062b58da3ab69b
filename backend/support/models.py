"""The tables of support."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
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


class SupportKey(Model):
    """A data key of what a person and the shop wrote to each other; the newest one seals.

    No foreign key of ``data_key_id``: destroying the key is how everything in it is destroyed.
    """

    __tablename__ = "support_keys"
    __table_args__ = (Index("ix_support_keys_user_id", "user_id", "data_key_id"),)

    data_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))


class SupportTicket(Model):
    """A conversation with one customer, who has at most one that is not closed."""

    __tablename__ = "support_tickets"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'waiting', 'closed')", name="state"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_in_range"),
        Index("uq_support_tickets_active", "user_id", unique=True, postgresql_where=text("state <> 'closed'")),
        Index("ix_support_tickets_user_id", "user_id", "opened_at"),
        Index("ix_support_tickets_state", "state", "state_since", "id"),
        Index("ix_support_tickets_assignee", "assignee_id", "state_since", postgresql_where=text("state <> 'closed'")),
        Index("ix_support_tickets_answered_at", "answered_at", postgresql_where=text("answered_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str]
    state_since: Mapped[datetime]
    opened_at: Mapped[datetime]
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    asked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    last_message_id: Mapped[UUID | None]
    rating_asked: Mapped[bool] = mapped_column(server_default=text("false"))
    rating: Mapped[int | None] = mapped_column(SmallInteger)


class SupportMessage(Model):
    """A message between a customer and the shop; its text is sealed, its media stay in Telegram's chats."""

    __tablename__ = "support_messages"
    __table_args__ = (
        UniqueConstraint("chat_id", "message_id"),
        CheckConstraint("delivery IN ('pending', 'delivered', 'blocked', 'refused', 'failed')", name="delivery"),
        CheckConstraint("(chat_id IS NULL) = (message_id IS NULL)", name="whole_origin"),
        CheckConstraint("(sealed IS NULL) = (data_key_id IS NULL)", name="sealed_by_a_key"),
        Index("ix_support_messages_user_id", "user_id", "created_at"),
        Index("ix_support_messages_ticket_id", "ticket_id", "id"),
        Index("uq_support_messages_intent", "author_id", "intent", unique=True, postgresql_where=text("intent <> ''")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("support_tickets.id"))
    kind: Mapped[str] = mapped_column(server_default=text("'text'"))
    data_key_id: Mapped[UUID | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    intent: Mapped[str] = mapped_column(server_default=text("''"))
    delivery: Mapped[str | None]
    created_at: Mapped[datetime]


class SupportReadyAnswer(Model):
    """An answer that is written once and used often; ``texts`` by language."""

    __tablename__ = "support_ready_answers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    texts: Mapped[dict[str, str]]
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    updated_at: Mapped[datetime]
