"""The tables of payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model
from backend.payments.types import OPEN, IntentStatus, Outcome


def _texts(values: object) -> str:
    return ", ".join(f"'{value}'" for value in values)  # type: ignore[attr-defined]


_OPEN = f"status IN ({_texts(sorted(OPEN))})"


class PaymentIntent(Model):
    """A payment that somebody means to make; amounts in minor units of ``currency``.

    ``leased_until`` keeps a second process from opening it at the provider at the same time. ``order_id`` has no
    foreign key: orders stand above payments.
    """

    __tablename__ = "payment_intents"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        UniqueConstraint("provider", "external_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("credited >= 0", name="credited_not_negative"),
        CheckConstraint(f"status IN ({_texts(IntentStatus)})", name="status_known"),
        Index("ix_payment_intents_next_poll_at", "next_poll_at", postgresql_where=text(_OPEN)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]
    credited: Mapped[int] = mapped_column(server_default=text("0"))
    status: Mapped[str]
    idempotency_key: Mapped[str]
    external_id: Mapped[str | None]
    action: Mapped[dict[str, Any] | None]
    order_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    leased_until: Mapped[datetime]
    polls: Mapped[int] = mapped_column(server_default=text("0"))
    next_poll_at: Mapped[datetime]


class PaymentEvent(Model):
    """The inbox: a provider's message, stored once, in the transaction of its effect."""

    __tablename__ = "payment_events"
    __table_args__ = (
        UniqueConstraint("provider", "external_id"),
        CheckConstraint(f"outcome IN ({_texts(item for item in Outcome if item is not Outcome.DUPLICATE)})",
                        name="outcome_known"),
        Index("ix_payment_events_unmatched", "received_at", postgresql_where=text("outcome = 'unmatched'")),
        Index("ix_payment_events_intent_id", "intent_id"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    external_id: Mapped[str]
    intent_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_intents.id"))
    state: Mapped[str]
    amount: Mapped[int | None]
    currency: Mapped[str | None]
    details: Mapped[dict[str, str]]
    outcome: Mapped[str]
    reason: Mapped[str]
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
