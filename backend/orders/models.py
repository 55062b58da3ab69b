"""Tables of orders."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model

_ENDED_UNPAID = text("status IN ('expired', 'cancelled')")


class Order(Model):
    """A purchase; the number people see is computed from ``sequence``."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        CheckConstraint("total_amount >= 0", name="total_not_negative"),
        CheckConstraint("refunded_amount BETWEEN 0 AND total_amount", name="never_more_back_than_paid"),
        Index("ix_orders_user_id_id", "user_id", "id"),
        Index("ix_orders_user_id_created_at", "user_id", "created_at"),
        Index("ix_orders_user_id_refunded", "user_id", postgresql_where=text("refunded_amount > 0")),
        Index("ix_orders_total_amount_id", "total_amount", "id"),
        Index("ix_orders_waiting", "user_id", postgresql_where=text("status = 'awaiting_payment'")),
        Index("ix_orders_lapsing", "expires_at", postgresql_where=text("status = 'awaiting_payment'")),
        Index("ix_orders_ended_unpaid", "user_id", "created_at", postgresql_where=_ENDED_UNPAID),
        Index(
            "ix_orders_paid_at",
            "paid_at",
            postgresql_include=["total_amount", "refunded_amount", "currency"],
            postgresql_where=text("paid_at IS NOT NULL"),
        ),
        Index("ix_orders_created_at", "created_at"),
        Index("ix_orders_status_id", "status", "id"),
        Index("ix_orders_method_id", "method", "id", postgresql_where=text("method IS NOT NULL")),
        Index("ix_orders_refunded", "id", postgresql_where=text("refunded_amount > 0")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str]
    request_hash: Mapped[bytes | None]
    """SHA-256 of the request that placed it; orders from before it was stored have none."""
    status: Mapped[str]
    total_amount: Mapped[int]
    refunded_amount: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    currency: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    method: Mapped[str | None]
    """The payment method that paid it, the latest of several; ``balance`` for none. Null until it is paid."""


class Line(Model):
    """One variant in an order, with its names and price as they were."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint(
            "base_part >= 0 AND reseller_part <= 0 AND quantity_part <= 0 AND promo_part <= 0"
            " AND already_paid_part <= 0",
            name="parts_signed",
        ),
        CheckConstraint(
            "total_amount = base_part + reseller_part + quantity_part + promo_part + already_paid_part",
            name="parts_add_up",
        ),
        CheckConstraint("total_amount >= 0", name="total_not_negative"),
        CheckConstraint("refunded_amount BETWEEN 0 AND total_amount", name="never_more_back_than_paid"),
        CheckConstraint("refunded_quantity BETWEEN 0 AND quantity", name="never_more_back_than_bought"),
        Index("ix_order_lines_order_id", "order_id"),
        Index("ix_order_lines_variant_id_user_id", "variant_id", "user_id"),
        Index("ix_order_lines_variant_id_id", "variant_id", "id"),
        Index("ix_order_lines_variant_id_order_id", "variant_id", "order_id"),
        Index("ix_order_lines_by_hand", "order_id", postgresql_where=text("kind = 'by_hand'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    user_id: Mapped[UUID]
    """The buyer again, so that a limit per person is one index scan."""
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    kind: Mapped[str] = mapped_column(server_default=text("'unique_keys'"))
    """The kind of goods when it was bought, which names its fulfiller."""
    position: Mapped[int]
    quantity: Mapped[int]
    unit_amount: Mapped[int]
    """The price of one for everybody; of lines from before price parts were stored, what the buyer paid for one."""
    base_part: Mapped[int]
    reseller_part: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    quantity_part: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    promo_part: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    already_paid_part: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    total_amount: Mapped[int]
    warranty_days: Mapped[int] = mapped_column(server_default=text("0"))
    """The warranty of the variant when it was bought."""
    status: Mapped[str]
    refunded_amount: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refunded_quantity: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    failure: Mapped[str | None]
    promised_hours: Mapped[int | None]
    """How long it takes at most, as was said when it was ordered; None for what is delivered at once."""
    ready_by: Mapped[datetime | None]
    """When a line whose goods take their time is delivered at the latest, as was promised at its payment."""
    slug: Mapped[str]
    name: Mapped[dict[str, str]]
    variant_name: Mapped[dict[str, str]]
    hue: Mapped[str]
    icon: Mapped[str]
    country: Mapped[str | None]
    picture: Mapped[str | None]


class AnswerKey(Model):
    """The data key that seals what a person has answered at purchases: destroying it destroys their answers."""

    __tablename__ = "answer_keys"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    data_key_id: Mapped[UUID]
    """No foreign key: the data key is destroyed on its own."""


class LineAnswers(Model):
    """What the buyer of a line has answered, with the questions as they were asked, sealed."""

    __tablename__ = "order_line_answers"

    line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id"), primary_key=True)
    data_key_id: Mapped[UUID]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class TimelineEvent(Model):
    """A dated step of an order; append-only."""

    __tablename__ = "order_events"
    __table_args__ = (Index("ix_order_events_order_id", "order_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    step: Mapped[str]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    line_id: Mapped[UUID | None]
    quantity: Mapped[int | None]
    amount: Mapped[int | None]


class Reveal(Model):
    """A key was shown or sent in plain text: when, to whom and how. Append-only."""

    __tablename__ = "order_reveals"
    __table_args__ = (Index("ix_order_reveals_order_id", "order_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    stock_key_id: Mapped[UUID]
    actor_id: Mapped[UUID | None]
    channel: Mapped[str]
    at: Mapped[datetime]


class OrderRefund(Model):
    """A refund of an order, to the balance or through a provider; append-only."""

    __tablename__ = "order_refunds"
    __table_args__ = (
        UniqueConstraint("order_id", "idempotency_key"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    idempotency_key: Mapped[str]
    amount: Mapped[int]
    target: Mapped[str]
    reason: Mapped[str]
    actor_id: Mapped[UUID | None]
    at: Mapped[datetime]


class RefundedLine(Model):
    """What a refund was for one of the order's lines; append-only."""

    __tablename__ = "order_refund_lines"
    __table_args__ = (
        CheckConstraint("amount >= 0 AND quantity >= 0", name="not_negative"),
        CheckConstraint("amount > 0 OR quantity > 0", name="not_nothing"),
    )

    refund_id: Mapped[UUID] = mapped_column(ForeignKey("order_refunds.id"), primary_key=True)
    line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id"), primary_key=True)
    quantity: Mapped[int]
    amount: Mapped[int]


class WarrantyClaim(Model):
    """A buyer said that a delivered thing doesn't work, and what was decided."""

    __tablename__ = "warranty_claims"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("status IN ('in_review', 'replaced', 'refunded', 'rejected')", name="status_known"),
        CheckConstraint("(status = 'in_review') = (decided_at IS NULL)", name="decided_at_its_time"),
        # A thing that was put in another one's place has an id of its own, or, with a shared key, the line's again.
        Index(
            "uq_warranty_claims_open", "line_id", "item_id", unique=True, postgresql_where=text("status = 'in_review'")
        ),
        UniqueConstraint("order_id", "idempotency_key"),
        Index("ix_warranty_claims_user_id_created_at", "user_id", "created_at"),
        Index("ix_warranty_claims_in_review", "id", postgresql_where=text("status = 'in_review'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    item_id: Mapped[UUID]
    """The delivered thing; which table has it depends on the kind of goods."""
    idempotency_key: Mapped[str]
    quantity: Mapped[int]
    status: Mapped[str]
    reason: Mapped[str | None]
    """Why it was rejected, in the admin's words."""
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]


class Cart(Model):
    """A person's cart; its row is the lock of its lines."""

    __tablename__ = "carts"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    version: Mapped[int]
    """Counts its changes: a checkout names the version that the buyer has seen."""
    filled_version: Mapped[int | None]
    """The version in which it got its first line: one reminder for each. None while it is empty."""
    remind_at: Mapped[datetime | None]
    """When its owner is reminded of it at the earliest; None for never."""


class CartLine(Model):
    """A variant in a cart; one that was removed a short while ago can be put back."""

    __tablename__ = "cart_lines"
    __table_args__ = (
        UniqueConstraint("user_id", "variant_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("seen_amount >= 0", name="seen_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("carts.user_id"))
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    quantity: Mapped[int]
    seen_amount: Mapped[int]
    """The price of one that the buyer was shown."""
    currency: Mapped[str]
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class SubscriptionRow(Model):
    """A person's agreement to have one of a variant each period.

    ``amount`` is each period's price in minor units of ``currency``, ``charged`` the same in those of ``asset``.
    ``first_id`` is the payment that began it. At ``check_at`` it is looked at if nothing was heard of it until then.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("charged > 0", name="charged_positive"),
        CheckConstraint(
            "status IN ('awaiting_payment', 'active', 'past_due', 'cancelled', 'ended')", name="status_known"
        ),
        CheckConstraint(
            "status IN ('awaiting_payment', 'ended') OR (first_id IS NOT NULL AND paid_until IS NOT NULL)",
            name="paid_once_it_runs",
        ),
        Index("ix_subscriptions_user_id_id", "user_id", "id"),
        Index(
            "uq_subscriptions_open", "user_id", "variant_id", unique=True, postgresql_where=text("status <> 'ended'")
        ),
        Index("ix_subscriptions_remind_at", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
        Index("ix_subscriptions_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    status: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    charged: Mapped[int]
    asset: Mapped[str]
    method: Mapped[str]
    first_id: Mapped[UUID | None]
    paid_until: Mapped[datetime | None]
    stopped: Mapped[bool] = mapped_column(server_default=text("false"))
    remind_at: Mapped[datetime | None]
    check_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SubscriptionChargeRow(Model):
    """A charge of a subscription: its payment, and the order that it paid or why it paid none."""

    __tablename__ = "subscription_charges"
    __table_args__ = (
        UniqueConstraint("order_id"),
        CheckConstraint("order_id IS NULL OR not_applied IS NULL", name="one_outcome"),
        Index("ix_subscription_charges_subscription_id", "subscription_id", "paid_until"),
    )

    intent_id: Mapped[UUID] = mapped_column(primary_key=True)
    subscription_id: Mapped[UUID] = mapped_column(ForeignKey("subscriptions.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    not_applied: Mapped[str | None]
    first: Mapped[bool]
    amount: Mapped[int]
    currency: Mapped[str]
    paid_until: Mapped[datetime]
    at: Mapped[datetime]


class OrderBulk(Model):
    """An action on many orders, from its preview to its end."""

    __tablename__ = "order_bulks"
    __table_args__ = (
        UniqueConstraint("created_by", "idempotency_key"),
        CheckConstraint("status IN ('draft', 'awaiting_approval', 'running', 'done', 'stopped')", name="status_known"),
        CheckConstraint("approved_by <> created_by", name="two_people"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str]
    status: Mapped[str]
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    currency: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OrderBulkItem(Model):
    """One order of an action on many: what was planned, and what became of it, stored with what was done.

    ``refusal`` is why the action is not for it; ``outcome`` is null until its turn: done, failed, stopped.
    """

    __tablename__ = "order_bulk_items"
    __table_args__ = (
        CheckConstraint("outcome IN ('done', 'failed', 'stopped')", name="outcome_known"),
        CheckConstraint("refusal IS NULL OR outcome IS NULL", name="refused_or_tried"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        Index(
            "ix_order_bulk_items_left", "bulk_id", "order_id",
            postgresql_where=text("outcome IS NULL AND refusal IS NULL"),
        ),
    )  # fmt: skip

    bulk_id: Mapped[UUID] = mapped_column(ForeignKey("order_bulks.id", ondelete="CASCADE"), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    amount: Mapped[int]
    """What would be refunded, in minor units; nothing more ever is."""
    refusal: Mapped[str | None]
    outcome: Mapped[str | None]
    failure: Mapped[str | None]
