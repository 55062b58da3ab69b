"""The tables of vouchers, gift cards, bonuses and promo codes. Amounts are minor units of ``currency``."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class VoucherBatch(Model):
    """Voucher codes made together, each worth ``amount`` to each of ``people`` persons until ``expires_at``."""

    __tablename__ = "voucher_batches"
    __table_args__ = (
        UniqueConstraint("created_by", "idempotency_key"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("people > 0", name="for_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int]
    currency: Mapped[str]
    people: Mapped[int]
    codes: Mapped[int]
    note: Mapped[str]
    expires_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str]
    created_at: Mapped[datetime]


class Voucher(Model):
    """One code as a keyed hash, and how often it was redeemed (at most ``people`` times)."""

    __tablename__ = "vouchers"
    __table_args__ = (
        CheckConstraint("redeemed BETWEEN 0 AND people", name="never_too_often"),
        Index("ix_vouchers_batch_id", "batch_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("voucher_batches.id"))
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    people: Mapped[int]
    redeemed: Mapped[int] = mapped_column(server_default=text("0"))


class VoucherRedemption(Model):
    """A person who has redeemed a code; each can do it once."""

    __tablename__ = "voucher_redemptions"

    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("vouchers.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    at: Mapped[datetime]


class GiftCard(Model):
    """A gift card. Its code is a keyed hash, and encrypted for its buyer until the card is redeemed or cancelled."""

    __tablename__ = "gift_cards"
    __table_args__ = (
        UniqueConstraint("buyer_id", "idempotency_key"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("status IN ('active', 'redeemed', 'taken_back')", name="status_known"),
        CheckConstraint("(status = 'active') = (closed_at IS NULL)", name="closed_or_active"),
        CheckConstraint("(status = 'active') = (data_key_id IS NOT NULL)", name="sealed_while_active"),
        CheckConstraint("(status = 'redeemed') = (redeemed_by IS NOT NULL)", name="redeemed_by_somebody"),
        Index("ix_gift_cards_buyer_id", "buyer_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    data_key_id: Mapped[UUID | None]
    idempotency_key: Mapped[str]
    redeemed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class BonusRule(Model):
    """A rule for top-up bonuses. Only ``stopped_at`` ever changes."""

    __tablename__ = "bonus_rules"
    __table_args__ = (
        CheckConstraint("minimum > 0", name="minimum_positive"),
        CheckConstraint("(basis_points IS NULL) <> (fixed IS NULL)", name="percent_or_fixed"),
        CheckConstraint("basis_points BETWEEN 1 AND 10000", name="percent_in_range"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str]
    minimum: Mapped[int]
    basis_points: Mapped[int | None]
    fixed: Mapped[int | None]
    maximum: Mapped[int | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    first_only: Mapped[bool]
    method: Mapped[str] = mapped_column("way", key="method")
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class TopUpBonus(Model):
    """The one bonus of a payment. ``intent_id`` has no foreign key because payments belong to another slice."""

    __tablename__ = "top_up_bonuses"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND claimed AND claimed <= granted", name="never_more_back_than_given"),
        # A person has one first top-up.
        Index("uq_top_up_bonuses_first", "user_id", unique=True, postgresql_where=text("first_only")),
        Index("ix_top_up_bonuses_rule_id", "rule_id"),
    )

    intent_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("bonus_rules.id"))
    first_only: Mapped[bool]
    currency: Mapped[str]
    granted: Mapped[int]
    claimed: Mapped[int] = mapped_column(server_default=text("0"))
    taken: Mapped[int] = mapped_column(server_default=text("0"))
    updated_at: Mapped[datetime]


class Promo(Model):
    """A promotion: what its codes take off, for which goods, and how often. Only ``stopped_at`` ever changes."""

    __tablename__ = "promos"
    __table_args__ = (
        UniqueConstraint("created_by", "idempotency_key", postgresql_nulls_not_distinct=True),
        CheckConstraint("(basis_points = 0) <> (amount IS NULL)", name="percent_or_amount"),
        CheckConstraint("basis_points BETWEEN 0 AND 10000", name="percent_in_range"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("scope IN ('all', 'category', 'product', 'kind')", name="scope_known"),
        CheckConstraint("(scope = 'all') = (target = '')", name="target_named"),
        CheckConstraint("uses > 0 AND per_person > 0", name="limits_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str]
    basis_points: Mapped[int]
    amount: Mapped[int | None]
    code: Mapped[str]
    codes: Mapped[int]
    uses: Mapped[int | None]
    per_person: Mapped[int | None]
    scope: Mapped[str]
    target: Mapped[str]
    minimum: Mapped[int | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    first_only: Mapped[bool]
    note: Mapped[str]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str]
    created_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class PromoCode(Model):
    """One code, found by ``key``: its signs with look-alikes as one. ``used`` counts only where ``uses`` is a limit."""

    __tablename__ = "promo_codes"
    __table_args__ = (
        CheckConstraint("used >= 0 AND used <= uses", name="never_too_often"),
        Index("ix_promo_codes_promo_id", "promo_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    promo_id: Mapped[UUID] = mapped_column(ForeignKey("promos.id"))
    code: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    uses: Mapped[int | None]
    used: Mapped[int] = mapped_column(server_default=text("0"))


class PromoUse(Model):
    """The use of a code by an order. ``order_id`` has no foreign key because orders belong to another slice.

    ``reference`` is the order's number. ``released_at``: the order ended unpaid, and the use counts no longer.
    """

    __tablename__ = "promo_uses"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_promo_uses_promo_id_user_id", "promo_id", "user_id"),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    promo_id: Mapped[UUID] = mapped_column(ForeignKey("promos.id"))
    code_id: Mapped[UUID] = mapped_column(ForeignKey("promo_codes.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    reference: Mapped[str]
    amount: Mapped[int]
    at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class PremiumGrantRow(Model):
    """Months of premium that a line of an order or an admin has given; a negative number was taken by an admin.

    ``order_line_id`` has no foreign key because orders belong to another slice. ``started_at`` is when the period of
    premium began that the months are part of: null while they are reserved. ``taken`` is what refunds took back.
    """

    __tablename__ = "premium_grants"
    __table_args__ = (
        CheckConstraint("months <> 0 AND taken >= 0 AND taken <= greatest(months, 0)", name="never_more_back"),
        CheckConstraint("(order_line_id IS NULL) = (reason IS NOT NULL)", name="bought_or_reasoned"),
        CheckConstraint("order_line_id IS NULL OR months > 0", name="bought_positive"),
        CheckConstraint("order_line_id IS NOT NULL OR started_at IS NOT NULL", name="reserved_for_a_line"),
        Index("ix_premium_grants_user_id", "user_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    order_line_id: Mapped[UUID | None] = mapped_column(unique=True)
    months: Mapped[int]
    taken: Mapped[int] = mapped_column(server_default=text("0"))
    started_at: Mapped[datetime | None]
    by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str | None]
    at: Mapped[datetime]


class Partner(Model):
    """Somebody who brings people by a link with their code; advert links will be rows beside it."""

    __tablename__ = "partners"
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Za-z0-9_-]{2,19}$'", name="code_fits_a_link"),
        Index("uq_partners_code", text("lower(code)"), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class Attribution(Model):
    """Who brought a person: the first touch that the server saw before their first paid order. See decisions/0074."""

    __tablename__ = "attributions"
    __table_args__ = (Index("ix_attributions_partner_id", "partner_id", "seen_at"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partners.id"))
    start_param: Mapped[str]
    seen_at: Mapped[datetime]
