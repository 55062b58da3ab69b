"""The tables of payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model
from backend.payments.types import IntentStatus, Outcome, RefundStatus


def _texts(values: object) -> str:
    return ", ".join(f"'{value}'" for value in values)  # type: ignore[attr-defined]


class PaymentIntent(Model):
    """A payment.

    ``amount``, ``credited``, ``refunded`` are minor units of ``currency``; ``payable``, ``received`` of ``asset``.
    ``mark`` is the provider's checkpoint. Until ``leased_until`` one process is opening it at the provider.
    ``next_poll_at`` is null once polling has ended. ``order_id`` and ``subscription_id`` have no foreign key:
    orders is a higher slice. A renewal of a subscription is a payment of its own, ``renewal_of`` the first one.
    """

    __tablename__ = "payment_intents"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        UniqueConstraint("provider", "external_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("payable > 0", name="payable_positive"),
        CheckConstraint("credited >= 0", name="credited_not_negative"),
        CheckConstraint("refunded BETWEEN 0 AND credited", name="never_more_back_than_came"),
        CheckConstraint(f"status IN ({_texts(IntentStatus)})", name="status_known"),
        Index("ix_payment_intents_charge", "provider", "charge_id", postgresql_where=text("charge_id IS NOT NULL")),
        Index(
            "ix_payment_intents_money",
            text("split_part(charge_id, ':', 1)"),
            postgresql_where=text("charge_id IS NOT NULL"),
        ),
        Index("ix_payment_intents_external_id", "external_id"),
        Index("ix_payment_intents_amount_id", "amount", "id"),
        Index("ix_payment_intents_payable_id", "payable", "id"),
        Index("ix_payment_intents_asked", "next_poll_at", postgresql_where=text("next_poll_at IS NOT NULL")),
        Index("ix_payment_intents_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_payment_intents_renewal_of", "renewal_of", postgresql_where=text("renewal_of IS NOT NULL")),
        Index("ix_payment_intents_provider_id", "provider", "id"),
        Index("ix_payment_intents_user_id_id", "user_id", "id"),
        Index("ix_payment_intents_user_id_created_at", "user_id", "created_at"),
        Index("ix_payment_intents_status_id", "status", "id"),
        Index("ix_payment_intents_created_at", "created_at"),
        Index("ix_payment_intents_refunded", "id", postgresql_where=text("refunded > 0")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]
    credited: Mapped[int] = mapped_column(server_default=text("0"))
    refunded: Mapped[int] = mapped_column(server_default=text("0"))
    asset: Mapped[str]
    payable: Mapped[int]
    received: Mapped[int] = mapped_column(server_default=text("0"))
    status: Mapped[str]
    idempotency_key: Mapped[str]
    external_id: Mapped[str | None]
    charge_id: Mapped[str | None]
    action: Mapped[dict[str, Any] | None]
    progress: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'"))
    mark: Mapped[str] = mapped_column(server_default=text("''"))
    order_id: Mapped[UUID | None]
    title: Mapped[str] = mapped_column(server_default=text("''"))
    subscription_id: Mapped[UUID | None]
    renewal_of: Mapped[UUID | None] = mapped_column(ForeignKey("payment_intents.id"))
    paid_until: Mapped[datetime | None]
    renews: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    leased_until: Mapped[datetime]
    polls: Mapped[int] = mapped_column(server_default=text("0"))
    next_poll_at: Mapped[datetime | None]


class PaymentEvent(Model):
    """A provider event, stored once, in the transaction that applies it."""

    __tablename__ = "payment_events"
    __table_args__ = (
        UniqueConstraint("provider", "external_id"),
        CheckConstraint(f"outcome IN ({_texts(item for item in Outcome if item is not Outcome.DUPLICATE)})",
                        name="outcome_known"),
        Index("ix_payment_events_unmatched", "received_at", postgresql_where=text("outcome = 'unmatched'")),
        Index("ix_payment_events_intent_id", "intent_id"),
        Index("ix_payment_events_external_id", "external_id"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    external_id: Mapped[str]
    intent_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_intents.id"))
    charge_id: Mapped[str | None]
    state: Mapped[str]
    amount: Mapped[int | None]
    currency: Mapped[str | None]
    details: Mapped[dict[str, str]]
    outcome: Mapped[str]
    reason: Mapped[str]
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class PaymentCall(Model):
    """A webhook call that had an effect and whose signature does not cover the body; ``digest`` is the body's hash."""

    __tablename__ = "payment_calls"
    __table_args__ = (Index("ix_payment_calls_received_at", "received_at"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    received_at: Mapped[datetime]


class PaymentRefund(Model):
    """A refund through a provider; ``amount`` in minor units of ``currency``, ``payable`` of ``asset``.

    Until ``claimed_until`` one run is sending it.
    """

    __tablename__ = "payment_refunds"
    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(f"status IN ({_texts(RefundStatus)})", name="status_known"),
        Index("ix_payment_refunds_intent_id", "intent_id"),
        Index("ix_payment_refunds_order_id", "order_id"),
        Index("ix_payment_refunds_pending", "updated_at", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    intent_id: Mapped[UUID] = mapped_column(ForeignKey("payment_intents.id"))
    order_id: Mapped[UUID | None]
    amount: Mapped[int]
    currency: Mapped[str]
    payable: Mapped[int]
    asset: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str]
    idempotency_key: Mapped[str]
    external_id: Mapped[str | None]
    actor_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]


class PaymentReconciliation(Model):
    """A reconciliation of one provider with the ledger."""

    __tablename__ = "payment_reconciliations"
    __table_args__ = (Index("ix_payment_reconciliations_at", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    checked: Mapped[int]
    unknown: Mapped[int] = mapped_column(server_default=text("0"))
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())
    error: Mapped[str]
    at: Mapped[datetime]


class PaymentProof(Model):
    """A transfer receipt that a buyer uploaded.

    The file is in the private storage as ``file``, encrypted with its own data key (no foreign key: destroying the key
    destroys the file). ``size`` is that of the decrypted file.
    """

    __tablename__ = "payment_proofs"
    __table_args__ = (
        Index("ix_payment_proofs_intent_id", "intent_id"),
        Index("ix_payment_proofs_waiting", "intent_id", postgresql_where=text("decided_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    intent_id: Mapped[UUID] = mapped_column(ForeignKey("payment_intents.id"))
    file: Mapped[str]
    data_key_id: Mapped[UUID]
    content_type: Mapped[str]
    size: Mapped[int]
    note: Mapped[str]
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
