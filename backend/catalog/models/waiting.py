"""Tables of what people wait for: lines for what is sold out, and products that they like."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class StockWait(Model):
    """A person in line for a variant that is sold out; the line has the order of ``place``. See decisions/0059.

    Goods are assigned when they come (``kind`` and ``quantity``), then offered to the person until ``held_until``.
    """

    __tablename__ = "stock_waits"
    __table_args__ = (
        UniqueConstraint("variant_id", "user_id"),
        CheckConstraint("(kind IS NULL) = (quantity IS NULL)", name="goods_of_a_kind"),
        CheckConstraint("held_until IS NULL OR kind IS NOT NULL", name="held_with_goods"),
        Index("ix_stock_waits_line", "variant_id", "place", postgresql_where=text("kind IS NULL")),
        Index("ix_stock_waits_held_until", "held_until", postgresql_where=text("held_until IS NOT NULL")),
        Index("ix_stock_waits_user_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    place: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    joined_at: Mapped[datetime]
    kind: Mapped[str | None]
    quantity: Mapped[int | None]
    held_until: Mapped[datetime | None]
    passed_until: Mapped[datetime | None]
    """Until then nothing is assigned to the person: their quiet hours, or nothing reaches them."""


class Favourite(Model):
    """A product that a person likes, and what they know of it; amounts in minor units.

    ``seen_amount`` was its lowest price when they began to like it, ``lowest_amount`` is the lowest that they know.
    Both are prices for resellers or for everybody (``reseller``).
    """

    __tablename__ = "favourites"
    __table_args__ = (
        UniqueConstraint("user_id", "product_id"),
        Index("ix_favourites_product_id", "product_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    added_at: Mapped[datetime]
    reseller: Mapped[bool]
    seen_amount: Mapped[int]
    lowest_amount: Mapped[int]
    currency: Mapped[str]
    was_out: Mapped[bool]
    """It was sold out since they were last told of it, and its return was not told."""
    told_at: Mapped[datetime | None]
