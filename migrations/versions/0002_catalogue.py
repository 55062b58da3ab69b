"""The catalogue and its stock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

GUARDS = (
    """ALTER TABLE stock_keys SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.02)""",
    """INSERT INTO catalogue_version (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING""",
)

GUARDS_DOWN = ()


def upgrade() -> None:
    """Up."""
    op.create_table(
        "catalogue_version",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalogue_version_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_version")),
    )
    op.create_table(
        "categories",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("icon", sa.Text(), nullable=False),
        sa.Column("hue", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_categories_not_its_own_parent")),
        sa.ForeignKeyConstraint(["parent_id"], ["categories.id"], name=op.f("fk_categories_parent_id_categories")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("slug", name=op.f("uq_categories_slug")),
    )
    op.create_index("ix_categories_parent_id", "categories", ["parent_id"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("icon", sa.Text(), nullable=False),
        sa.Column("hue", sa.Text(), nullable=False),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("premium_only", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rank", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("recent_sales", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("popularity", sa.BigInteger(), sa.Computed("rank + recent_sales", persisted=True), nullable=False),
        sa.Column("listed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reseller_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("prices_differ", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("in_stock", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("fk_products_category_id_categories")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("slug", name=op.f("uq_products_slug")),
    )
    op.create_index(
        "ix_products_both_new",
        "products",
        ["category_id", "country", "in_stock", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_both_popular",
        "products",
        ["category_id", "country", "in_stock", "popularity", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_both_price",
        "products",
        ["category_id", "country", "in_stock", "price_amount", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_category_new",
        "products",
        ["category_id", "in_stock", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_category_popular",
        "products",
        ["category_id", "in_stock", "popularity", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_category_price",
        "products",
        ["category_id", "in_stock", "price_amount", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_country_new",
        "products",
        ["country", "in_stock", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_country_popular",
        "products",
        ["country", "in_stock", "popularity", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_country_price",
        "products",
        ["country", "in_stock", "price_amount", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index("ix_products_new", "products", ["in_stock", "id"], unique=False, postgresql_where=sa.text("listed"))
    op.create_index(
        "ix_products_popular",
        "products",
        ["in_stock", "popularity", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_index(
        "ix_products_price",
        "products",
        ["in_stock", "price_amount", "id"],
        unique=False,
        postgresql_where=sa.text("listed"),
    )
    op.create_table(
        "variants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("reseller_amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("min_quantity", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("max_quantity", sa.BigInteger(), nullable=True),
        sa.Column("per_person_limit", sa.BigInteger(), nullable=True),
        sa.Column("low_stock_at", sa.BigInteger(), server_default=sa.text("5"), nullable=False),
        sa.Column("low_stock_told", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("max_quantity >= min_quantity", name=op.f("ck_variants_maximum_reaches_minimum")),
        sa.CheckConstraint("min_quantity >= 1", name=op.f("ck_variants_minimum_positive")),
        sa.CheckConstraint("per_person_limit >= min_quantity", name=op.f("ck_variants_person_limit_reaches_minimum")),
        sa.CheckConstraint("price_amount >= 0", name=op.f("ck_variants_price_not_negative")),
        sa.CheckConstraint("reseller_amount >= 0", name=op.f("ck_variants_reseller_price_not_negative")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_variants_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variants")),
        sa.UniqueConstraint("product_id", "code", name=op.f("uq_variants_product_id_code")),
    )
    op.create_table(
        "stock_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("unit_cost", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_stock_batches_variant_id_variants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_batches")),
    )
    op.create_index("ix_stock_batches_variant_id", "stock_batches", ["variant_id"], unique=False)
    op.create_table(
        "stock_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'available'"), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('reserved', 'sold')) = (order_line_id IS NOT NULL)", name=op.f("ck_stock_keys_taken_for_a_line")
        ),
        sa.CheckConstraint(
            "state IN ('available', 'reserved', 'sold', 'removed')", name=op.f("ck_stock_keys_state_known")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["stock_batches.id"], name=op.f("fk_stock_keys_batch_id_stock_batches")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_stock_keys_variant_id_variants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_keys")),
        sa.UniqueConstraint("variant_id", "fingerprint", name=op.f("uq_stock_keys_variant_id_fingerprint")),
    )
    op.create_index(
        "ix_stock_keys_available",
        "stock_keys",
        ["variant_id", "position"],
        unique=False,
        postgresql_where=sa.text("state = 'available'"),
    )
    op.create_index("ix_stock_keys_batch_id", "stock_keys", ["batch_id"], unique=False)
    op.create_index(
        "ix_stock_keys_order_line_id",
        "stock_keys",
        ["order_line_id"],
        unique=False,
        postgresql_where=sa.text("order_line_id IS NOT NULL"),
    )
    for statement in GUARDS:
        op.execute(statement)


def downgrade() -> None:
    """Down."""
    for statement in GUARDS_DOWN:
        op.execute(statement)
    op.drop_index(
        "ix_stock_keys_order_line_id", table_name="stock_keys", postgresql_where=sa.text("order_line_id IS NOT NULL")
    )
    op.drop_index("ix_stock_keys_batch_id", table_name="stock_keys")
    op.drop_index("ix_stock_keys_available", table_name="stock_keys", postgresql_where=sa.text("state = 'available'"))
    op.drop_table("stock_keys")
    op.drop_index("ix_stock_batches_variant_id", table_name="stock_batches")
    op.drop_table("stock_batches")
    op.drop_table("variants")
    op.drop_index("ix_products_price", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_popular", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_new", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_country_price", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_country_popular", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_country_new", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_category_price", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_category_popular", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_category_new", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_both_price", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_both_popular", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_index("ix_products_both_new", table_name="products", postgresql_where=sa.text("listed"))
    op.drop_table("products")
    op.drop_index("ix_categories_parent_id", table_name="categories")
    op.drop_table("categories")
    op.drop_table("catalogue_version")
