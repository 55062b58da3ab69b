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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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
        Index("ix_products_category_order", "category_id", "in_stock", "shop_order", "id", postgresql_where=_LISTED),
        Index(
            "ix_products_both_order", "category_id", "country", "in_stock", "shop_order", "id",
            postgresql_where=_LISTED,
        ),
        Index("ix_products_shop_order", "category_id", "shop_order", "id"),
        CheckConstraint("position BETWEEN 1 AND 999999", name="position_in_range"),
        Index("ix_products_publish_at", "publish_at", postgresql_where=text("publish_at IS NOT NULL")),
        CheckConstraint("publish_at IS NULL OR hidden", name="publish_later_hidden"),
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
    position: Mapped[int | None]
    """Its place in its category, from 1; None where nobody has set one.

    A trigger clears it when the product changes its category.
    """
    shop_order: Mapped[int] = mapped_column(
        BigInteger,
        Computed(
            "least(rank + recent_sales, 999999999999) - coalesce(position, 1000000) * 1000000000000", persisted=True
        ),
    )
    """Descending: those with a place, then the others by how popular they are."""
    listed: Mapped[bool] = mapped_column(server_default=text("false"))
    price_amount: Mapped[int] = mapped_column(server_default=text("0"))
    reseller_amount: Mapped[int] = mapped_column(server_default=text("0"))
    prices_differ: Mapped[bool] = mapped_column(server_default=text("false"))
    in_stock: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    """Grows with every change of what the product's page in the back office edits; a trigger raises it."""
    publish_at: Mapped[datetime | None]
    """When it is shown by itself; until then it is hidden. A trigger clears it of what is shown or archived."""
    archived_at: Mapped[datetime | None]
    """Since when it is archived, and never for sale; None while it is not."""


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
        CheckConstraint("jsonb_typeof(quantity_prices) = 'array'", name="quantity_prices_listed"),
        CheckConstraint("premium_months BETWEEN 1 AND 120", name="premium_months_in_range"),
        CheckConstraint("subscription_days = 30", name="subscription_as_telegram_renews"),
        CheckConstraint("promised_hours > 0", name="promise_positive"),
        CheckConstraint("open_places > 0", name="places_positive"),
        CheckConstraint("warranty_days >= 0", name="warranty_not_negative"),
        CheckConstraint("archived_at IS NULL OR hidden", name="archived_is_hidden"),
        Index("ix_variants_archived_at", "archived_at", postgresql_where=text("archived_at IS NOT NULL")),
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
    premium_months: Mapped[int | None]
    """How many months of premium one gives; only of a product of that kind."""
    quantity_prices: Mapped[list[list[int]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """Pairs, the smallest quantity first: from how many on, and what one costs then (minor units), which falls."""
    subscription_days: Mapped[int | None]
    """The period of a subscription to it; None where it is sold only once at a time."""
    low_stock_at: Mapped[int] = mapped_column(server_default=text("5"))
    low_stock_told: Mapped[bool] = mapped_column(server_default=text("true"))
    """The admins were told that the stock is low, and it was not restocked since. True at first: a variant that never
    had stock raises no alert."""
    promised_hours: Mapped[int] = mapped_column(BigInteger, server_default=text("24"))
    """How long goods by hand take at most, from the payment."""
    open_places: Mapped[int | None]
    """How many goods by hand may be ordered and not delivered yet at any time; None for any number."""
    warranty_days: Mapped[int] = mapped_column(server_default=text("30"))
    """How long after delivery what doesn't work is replaced or refunded; 0 for no warranty."""
    position: Mapped[int] = mapped_column(server_default=text("0"))
    hidden: Mapped[bool] = mapped_column(server_default=text("false"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """Grows with each change by an admin or an import: who saves an older one is shown the difference."""
    archived_at: Mapped[datetime | None]
    """Since when it is in the recycle bin; None while it is not."""
    archived_by: Mapped[UUID | None]
    archived_shown: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it was on sale when it was archived: then it is again once it is brought back."""


class StockBatch(Model):
    """Keys of one variant imported together, encrypted with one data key. ``unit_cost`` is in minor units."""

    __tablename__ = "stock_batches"
    __table_args__ = (
        Index("ix_stock_batches_variant_id", "variant_id"),
        Index(
            "uq_stock_batches_import_id_variant_id", "import_id", "variant_id", unique=True,
            postgresql_where=text("import_id IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    data_key_id: Mapped[UUID]
    """No foreign key: destroying a batch's data key is how its keys are destroyed."""
    source: Mapped[str]
    unit_cost: Mapped[int | None]
    currency: Mapped[str]
    imported_at: Mapped[datetime]
    imported_by: Mapped[UUID | None]
    stopped_at: Mapped[datetime | None]
    """Since when nothing of it is sold; None while it is."""
    name: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    """When its keys expire; None for never. Each key repeats it, so that taking keys needs no join."""
    import_id: Mapped[UUID | None] = mapped_column(ForeignKey("stock_imports.id"))
    """The import by screen that made it; one import makes one batch of each variant."""


_UNSOLD = text("state IN ('available', 'stopped')")


class StockKey(Model):
    """One key, encrypted; sold in the order of ``position``."""

    __tablename__ = "stock_keys"
    __table_args__ = (
        UniqueConstraint("variant_id", "fingerprint"),
        CheckConstraint(
            "state IN ('available', 'held', 'reserved', 'sold', 'faulty', 'stopped', 'removed', 'shared', 'expired')",
            name="state_known",
        ),
        CheckConstraint(
            "(state IN ('reserved', 'sold', 'faulty')) = (order_line_id IS NOT NULL)", name="taken_for_a_line"
        ),
        CheckConstraint("(state = 'held') = (held_for IS NOT NULL)", name="held_for_a_person"),
        # Finds the next key. Sold keys are not in it, so the cost does not grow with the stock or the sales.
        Index(
            "ix_stock_keys_available", "variant_id", "position", postgresql_where=text("state = 'available'"),
            postgresql_include=["expires_at"],
        ),
        Index("ix_stock_keys_order_line_id", "order_line_id", postgresql_where=text("order_line_id IS NOT NULL")),
        Index("ix_stock_keys_batch_id", "batch_id"),
        # Finds a key of another batch in place of a faulty one, without a look at the keys of its own batch.
        Index("ix_stock_keys_unsold", "batch_id", "state", "position", postgresql_where=_UNSOLD),
        Index("ix_stock_keys_held", "variant_id", "held_for", postgresql_where=text("state = 'held'")),
        Index("ix_stock_keys_change_id", "change_id", postgresql_where=text("change_id IS NOT NULL")),
        Index(
            "ix_stock_keys_expiring", "expires_at",
            postgresql_where=text("expires_at IS NOT NULL AND state IN ('available', 'stopped')"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("stock_batches.id"))
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    state: Mapped[str] = mapped_column(server_default=text("'available'"))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    order_line_id: Mapped[UUID | None]
    held_for: Mapped[UUID | None]
    """The person in line for whom it is held."""
    taken_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    """When it stops being sold; that of its batch. Never sold from then on."""
    change_id: Mapped[UUID | None] = mapped_column(ForeignKey("stock_changes.id"))
    """The latest removal or move of it, by which it can be undone."""


class SharedKey(Model):
    """The key that every buyer of a variant gets now, and how often it can still be sold.

    ``remaining``, what is held or reserved and what was sold since the last import are the number that was imported.
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


class VariantPlaces(Model):
    """How many more of a variant can be sold, of goods whose own slice counts who has them; null for any number.

    It is below zero where the slice allows fewer now than have it.
    """

    __tablename__ = "variant_places"

    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"), primary_key=True)
    remaining: Mapped[int | None]


class PlaceSale(Model):
    """A line of an order that has got its place, for how popular its product is; a refund does not change that."""

    __tablename__ = "place_sales"

    order_line_id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    sold_at: Mapped[datetime]


class HandWorkItem(Model):
    """A line of an order that an admin prepares; its result is a text or a file, encrypted with a key of its own.

    ``quantity`` is what is left to prepare: refunds lower it until it is delivered.
    """

    __tablename__ = "hand_work"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("state IN ('reserved', 'open', 'delivered', 'refused', 'cancelled')", name="state_known"),
        CheckConstraint("state <> 'open' OR quantity > 0", name="open_with_something_to_do"),
        CheckConstraint(
            "(state = 'reserved') = (opened_at IS NULL) AND (state = 'reserved') = (due_at IS NULL)",
            name="opened_when_paid",
        ),
        CheckConstraint("(taken_by IS NULL) = (taken_at IS NULL)", name="taken_at_a_time"),
        CheckConstraint("(state IN ('reserved', 'open')) = (ended_at IS NULL)", name="ended_at_a_time"),
        CheckConstraint("num_nonnulls(ciphertext, file) = (state = 'delivered')::int", name="delivered_one_thing"),
        CheckConstraint("(state = 'delivered') = (data_key_id IS NOT NULL)", name="delivered_encrypted"),
        CheckConstraint(
            "(file IS NULL) = (file_name IS NULL) AND (file IS NULL) = (file_size IS NULL)", name="file_named"
        ),
        CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="refused_with_a_reason"),
        Index("ix_hand_work_due_at", "due_at", postgresql_where=text("state = 'open'")),
        Index("ix_hand_work_remind_at", "remind_at", postgresql_where=text("state = 'open'")),
        Index("ix_hand_work_occupied", "variant_id", postgresql_where=text("state IN ('reserved', 'open')")),
        Index("ix_hand_work_variant_id_opened_at", "variant_id", "opened_at"),
    )

    order_line_id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    quantity: Mapped[int]
    state: Mapped[str]
    opened_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    """When the admins are reminded of it; None once they were."""
    taken_by: Mapped[UUID | None]
    taken_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    data_key_id: Mapped[UUID | None]
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    file: Mapped[str | None]
    """The name of a private file."""
    file_name: Mapped[str | None]
    file_size: Mapped[int | None]


class CatalogueVersion(Model):
    """One row whose number grows with every change of the catalogue."""

    __tablename__ = "catalogue_version"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
