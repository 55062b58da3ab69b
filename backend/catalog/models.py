"""Tables of the catalogue and its stock."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from backend.infra.database import Model


class Category(Model):
    """A category of products; ``parent_id`` nests it in another."""

    __tablename__ = "categories"
    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        Index("ix_categories_parent_id", "parent_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("categories.id"))
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[dict[str, str]]
    icon: Mapped[str]
    hue: Mapped[str]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    hidden: Mapped[bool] = mapped_column(server_default=text("false"))


_LISTED = text("listed")


class Product(Model):
    """A product; its variants have the prices.

    ``listed``, ``price_*`` and ``prices_differ`` are computed from its category and variants at every catalogue write.
    ``in_stock`` may be true of a product that has just sold out, never false of one that has stock: it makes the
    filter cheap, while what people see is counted. It changes only when the first key comes or the last one goes.
    Every index of a list begins with what is filtered, then ``in_stock``, and ends with the order of the list.
    """

    __tablename__ = "products"
    __table_args__ = (
        Index("ix_products_popular", "in_stock", "popularity", "id", postgresql_where=_LISTED),
        Index("ix_products_new", "in_stock", "id", postgresql_where=_LISTED),
        Index("ix_products_price", "in_stock", "price_amount", "id", postgresql_where=_LISTED),
        Index("ix_products_category_popular", "category_id", "in_stock", "popularity", "id", postgresql_where=_LISTED),
        Index("ix_products_category_new", "category_id", "in_stock", "id", postgresql_where=_LISTED),
        Index("ix_products_category_price", "category_id", "in_stock", "price_amount", "id", postgresql_where=_LISTED),
        Index("ix_products_country_popular", "country", "in_stock", "popularity", "id", postgresql_where=_LISTED),
        Index("ix_products_country_new", "country", "in_stock", "id", postgresql_where=_LISTED),
        Index("ix_products_country_price", "country", "in_stock", "price_amount", "id", postgresql_where=_LISTED),
        Index(
            "ix_products_both_popular", "category_id", "country", "in_stock", "popularity", "id",
            postgresql_where=_LISTED,
        ),
        Index("ix_products_both_new", "category_id", "country", "in_stock", "id", postgresql_where=_LISTED),
        Index(
            "ix_products_both_price", "category_id", "country", "in_stock", "price_amount", "id",
            postgresql_where=_LISTED,
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    category_id: Mapped[UUID] = mapped_column(ForeignKey("categories.id"))
    slug: Mapped[str] = mapped_column(unique=True)
    country: Mapped[str | None]
    kind: Mapped[str]
    choice: Mapped[str]
    name: Mapped[dict[str, str]]
    summary: Mapped[dict[str, str]]
    description: Mapped[dict[str, str]]
    icon: Mapped[str]
    hue: Mapped[str]
    picture: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    premium_only: Mapped[bool] = mapped_column(server_default=text("false"))
    hidden: Mapped[bool] = mapped_column(server_default=text("false"))
    rank: Mapped[int] = mapped_column(server_default=text("0"))
    recent_sales: Mapped[int] = mapped_column(server_default=text("0"))
    popularity: Mapped[int] = mapped_column(BigInteger, Computed("rank + recent_sales", persisted=True))
    listed: Mapped[bool] = mapped_column(server_default=text("false"))
    price_amount: Mapped[int] = mapped_column(server_default=text("0"))
    reseller_amount: Mapped[int] = mapped_column(server_default=text("0"))
    prices_differ: Mapped[bool] = mapped_column(server_default=text("false"))
    in_stock: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]


class Variant(Model):
    """What a product is sold as, with its price."""

    __tablename__ = "variants"
    __table_args__ = (
        UniqueConstraint("product_id", "code"),
        CheckConstraint("price_amount >= 0", name="price_not_negative"),
        CheckConstraint("reseller_amount >= 0", name="reseller_price_not_negative"),
        CheckConstraint("min_quantity >= 1", name="minimum_positive"),
        CheckConstraint("max_quantity >= min_quantity", name="maximum_reaches_minimum"),
        CheckConstraint("per_person_limit >= min_quantity", name="person_limit_reaches_minimum"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    code: Mapped[str]
    name: Mapped[dict[str, str]]
    note: Mapped[dict[str, str]]
    price_amount: Mapped[int]
    reseller_amount: Mapped[int | None]
    currency: Mapped[str]
    min_quantity: Mapped[int] = mapped_column(server_default=text("1"))
    max_quantity: Mapped[int | None]
    per_person_limit: Mapped[int | None]
    low_stock_at: Mapped[int] = mapped_column(server_default=text("5"))
    low_stock_told: Mapped[bool] = mapped_column(server_default=text("true"))
    """The admins were told that the stock is low, and it was not restocked since. True at first: a variant that never
    had stock raises no alert."""
    position: Mapped[int] = mapped_column(server_default=text("0"))
    hidden: Mapped[bool] = mapped_column(server_default=text("false"))


class StockBatch(Model):
    """Keys of one variant imported together, encrypted with one data key. ``unit_cost`` is in minor units."""

    __tablename__ = "stock_batches"
    __table_args__ = (Index("ix_stock_batches_variant_id", "variant_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    data_key_id: Mapped[UUID]
    """No foreign key: destroying a batch's data key is how its keys are destroyed."""
    source: Mapped[str]
    unit_cost: Mapped[int | None]
    currency: Mapped[str]
    imported_at: Mapped[datetime]
    imported_by: Mapped[UUID | None]


class StockKey(Model):
    """One key, encrypted; sold in the order of ``position``."""

    __tablename__ = "stock_keys"
    __table_args__ = (
        UniqueConstraint("variant_id", "fingerprint"),
        CheckConstraint("state IN ('available', 'reserved', 'sold', 'removed', 'shared')", name="state_known"),
        CheckConstraint("(state IN ('reserved', 'sold')) = (order_line_id IS NOT NULL)", name="taken_for_a_line"),
        # Finds the next key. Sold keys are not in it, so the cost does not grow with the stock or the sales.
        Index("ix_stock_keys_available", "variant_id", "position", postgresql_where=text("state = 'available'")),
        Index("ix_stock_keys_order_line_id", "order_line_id", postgresql_where=text("order_line_id IS NOT NULL")),
        Index("ix_stock_keys_batch_id", "batch_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("stock_batches.id"))
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    state: Mapped[str] = mapped_column(server_default=text("'available'"))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    order_line_id: Mapped[UUID | None]
    taken_at: Mapped[datetime | None]


class SharedKey(Model):
    """The key that every buyer of a variant gets now, and how often it can still be sold.

    ``remaining`` plus what is reserved plus what was sold since the last import is the number that was imported.
    """

    __tablename__ = "shared_keys"
    __table_args__ = (CheckConstraint("remaining >= 0", name="remaining_not_negative"),)

    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"), primary_key=True)
    key_id: Mapped[UUID] = mapped_column(ForeignKey("stock_keys.id"))
    remaining: Mapped[int | None]
    """None for any number."""


class SharedKeyLine(Model):
    """What a line of an order has of a shared key; the key is chosen at the sale, so a reservation has none yet."""

    __tablename__ = "shared_key_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("state IN ('reserved', 'sold')", name="state_known"),
        CheckConstraint("(state = 'sold') = (key_id IS NOT NULL)", name="sold_with_a_key"),
        Index("ix_shared_key_lines_reserved", "variant_id", postgresql_where=text("state = 'reserved'")),
        Index("ix_shared_key_lines_key_id", "key_id", "order_line_id", postgresql_where=text("key_id IS NOT NULL")),
    )

    order_line_id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey("stock_keys.id"))
    quantity: Mapped[int]
    state: Mapped[str]
    taken_at: Mapped[datetime]


class CatalogueVersion(Model):
    """One row whose number grows with every change of the catalogue."""

    __tablename__ = "catalogue_version"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
