"""Audience: actions on many people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "people_bulks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("terms", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'running', 'done', 'stopped', 'undoing', 'undone')",
            name=op.f("ck_people_bulks_status_known"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_people_bulks_created_by_users")),
        sa.ForeignKeyConstraint(["undone_by"], ["users.id"], name=op.f("fk_people_bulks_undone_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_bulks")),
        sa.UniqueConstraint("created_by", "idempotency_key", name=op.f("uq_people_bulks_created_by_idempotency_key")),
    )
    op.create_table(
        "people_bulk_items",
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("undo", sa.Text(), nullable=True),
        sa.Column("before_reason", sa.Text(), nullable=True),
        sa.Column("before_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome IN ('done', 'failed', 'stopped')", name=op.f("ck_people_bulk_items_outcome_known")),
        sa.CheckConstraint("undo IN ('undone', 'untouched')", name=op.f("ck_people_bulk_items_undo_known")),
        sa.CheckConstraint("refusal IS NULL OR outcome IS NULL", name=op.f("ck_people_bulk_items_refused_or_tried")),
        sa.CheckConstraint("undo IS NULL OR outcome = 'done'", name=op.f("ck_people_bulk_items_undone_is_done")),
        sa.ForeignKeyConstraint(
            ["bulk_id"], ["people_bulks.id"], name=op.f("fk_people_bulk_items_bulk_id_people_bulks"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_people_bulk_items_user_id_users")),
        sa.PrimaryKeyConstraint("bulk_id", "user_id", name=op.f("pk_people_bulk_items")),
    )
    op.create_index(
        "ix_people_bulk_items_left", "people_bulk_items", ["bulk_id", "user_id"],
        postgresql_where=sa.text("outcome IS NULL AND refusal IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_people_bulk_items_to_undo", "people_bulk_items", ["bulk_id", "user_id"],
        postgresql_where=sa.text("outcome = 'done' AND undo IS NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """Down."""
    op.drop_table("people_bulk_items")
    op.drop_table("people_bulks")
