"""Sales of places in courses, for how popular they are."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up, with the sales so far."""
    op.create_table(
        "place_sales",
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_place_sales_variant_id_variants")),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_place_sales")),
    )
    op.execute(
        "INSERT INTO place_sales (order_line_id, variant_id, sold_at)"
        " SELECT g.order_line_id, t.variant_id, g.granted_at FROM course_grants g"
        " JOIN course_tariffs t ON t.id = g.tariff_id WHERE g.order_line_id IS NOT NULL"
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("place_sales")
