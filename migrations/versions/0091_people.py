"""People: blocks that end, admins' notes, and indexes for a person's timeline."""

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Up."""
    op.add_column("users", sa.Column("blocked_until", _AT, nullable=True))
    op.create_check_constraint(
        op.f("ck_users_block_ends_after_it_began"), "users", "blocked_until IS NULL OR blacklisted_at < blocked_until"
    )
    op.create_table(
        "person_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("edited_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_person_notes_user_id_users")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_person_notes_author_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_notes")),
        sa.UniqueConstraint("author_id", "idempotency_key", name=op.f("uq_person_notes_author_id_idempotency_key")),
    )
    op.create_index("ix_person_notes_user_id", "person_notes", ["user_id", "created_at"])
    op.create_index("ix_orders_user_id_created_at", "orders", ["user_id", "created_at"])
    op.create_index(
        "ix_orders_user_id_refunded", "orders", ["user_id"], postgresql_where=sa.text("refunded_amount > 0")
    )
    op.create_index("ix_payment_intents_user_id_created_at", "payment_intents", ["user_id", "created_at"])


def downgrade() -> None:
    """Down: blocks with an end become blocks without one."""
    op.drop_index("ix_payment_intents_user_id_created_at", table_name="payment_intents")
    op.drop_index("ix_orders_user_id_refunded", table_name="orders")
    op.drop_index("ix_orders_user_id_created_at", table_name="orders")
    op.drop_table("person_notes")
    op.drop_constraint(op.f("ck_users_block_ends_after_it_began"), "users")
    op.drop_column("users", "blocked_until")
