"""Support in chat: what messages speak of, what customers wrote; notifications that are edited."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "chat_subjects",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('order', 'deposit', 'support')", name=op.f("ck_chat_subjects_kind")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_chat_subjects_user_id_users")),
        sa.PrimaryKeyConstraint("chat_id", "message_id", name=op.f("pk_chat_subjects")),
    )
    op.create_index("ix_chat_subjects_created_at", "chat_subjects", ["created_at"])
    op.create_table(
        "support_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_support_messages_author_id_users")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_support_messages_order_id_orders")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_support_messages_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_messages")),
        sa.UniqueConstraint("chat_id", "message_id", name=op.f("uq_support_messages_chat_id_message_id")),
    )
    op.create_index("ix_support_messages_user_id", "support_messages", ["user_id", "created_at"])
    op.add_column("notifications", sa.Column("thing", sa.Text(), nullable=True))
    op.add_column("notifications", sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_index("ix_notifications_thing", "notifications", ["thing"], postgresql_where=sa.text("thing IS NOT NULL"))


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_notifications_thing", table_name="notifications")
    op.drop_column("notifications", "revision")
    op.drop_column("notifications", "thing")
    op.drop_table("support_messages")
    op.drop_table("chat_subjects")
