"""Orders: actions on many of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "order_bulks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("terms", JSONB(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'awaiting_approval', 'running', 'done', 'stopped')",
            name=op.f("ck_order_bulks_status_known"),
        ),
        sa.CheckConstraint("approved_by <> created_by", name=op.f("ck_order_bulks_two_people")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_order_bulks_created_by_users")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_order_bulks_approved_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_bulks")),
        sa.UniqueConstraint("created_by", "idempotency_key", name=op.f("uq_order_bulks_created_by_idempotency_key")),
    )
    op.create_table(
        "order_bulk_items",
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome IN ('done', 'failed', 'stopped')", name=op.f("ck_order_bulk_items_outcome_known")),
        sa.CheckConstraint("refusal IS NULL OR outcome IS NULL", name=op.f("ck_order_bulk_items_refused_or_tried")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_order_bulk_items_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["bulk_id"], ["order_bulks.id"], name=op.f("fk_order_bulk_items_bulk_id_order_bulks"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_bulk_items_order_id_orders")),
        sa.PrimaryKeyConstraint("bulk_id", "order_id", name=op.f("pk_order_bulk_items")),
    )
    op.create_index(
        "ix_order_bulk_items_left", "order_bulk_items", ["bulk_id", "order_id"],
        postgresql_where=sa.text("outcome IS NULL AND refusal IS NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """Down."""
    op.drop_table("order_bulk_items")
    op.drop_table("order_bulks")
