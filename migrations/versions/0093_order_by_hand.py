"""The order of products in a category, set by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None

_MOVED = """
    BEGIN
        NEW.position := NULL;
        RETURN NEW;
    END
"""
_ORDER = "least(rank + recent_sales, 999999999999) - coalesce(position, 1000000) * 1000000000000"
_BOTH = ["category_id", "country", "in_stock", "shop_order", "id"]


def upgrade() -> None:
    """Up."""
    op.add_column("products", sa.Column("position", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_products_position_in_range"), "products", "position BETWEEN 1 AND 999999")
    op.add_column(
        "products", sa.Column("shop_order", sa.BigInteger(), sa.Computed(_ORDER, persisted=True), nullable=False)
    )
    listed = sa.text("listed")
    op.create_index(
        "ix_products_category_order", "products", ["category_id", "in_stock", "shop_order", "id"],
        postgresql_where=listed,
    )  # fmt: skip
    op.create_index("ix_products_both_order", "products", _BOTH, postgresql_where=listed)
    op.create_index("ix_products_shop_order", "products", ["category_id", "shop_order", "id"])
    op.execute(f"CREATE FUNCTION products_moved() RETURNS trigger LANGUAGE plpgsql AS $$ {_MOVED} $$")
    op.execute(
        """
        CREATE TRIGGER products_moved BEFORE UPDATE OF category_id ON products
        FOR EACH ROW WHEN (NEW.category_id <> OLD.category_id) EXECUTE FUNCTION products_moved()
        """
    )


def downgrade() -> None:
    """Down."""
    op.execute("DROP TRIGGER products_moved ON products")
    op.execute("DROP FUNCTION products_moved()")
    op.drop_index("ix_products_shop_order", table_name="products")
    op.drop_index("ix_products_both_order", table_name="products")
    op.drop_index("ix_products_category_order", table_name="products")
    op.drop_column("products", "shop_order")
    op.drop_constraint(op.f("ck_products_position_in_range"), "products", type_="check")
    op.drop_column("products", "position")
