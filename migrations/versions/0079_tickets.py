"""Tickets: conversations with customers, their sealed texts, ready answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0079"
down_revision = "0077"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Up."""
    op.create_table(
        "support_keys",
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_support_keys_user_id_users")),
        sa.PrimaryKeyConstraint("data_key_id", name=op.f("pk_support_keys")),
    )
    op.create_index("ix_support_keys_user_id", "support_keys", ["user_id", "data_key_id"])
    op.create_table(
        "support_tickets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", _MOMENT, nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", _MOMENT, nullable=True),
        sa.Column("answered_at", _MOMENT, nullable=True),
        sa.Column("last_message_id", sa.Uuid(), nullable=True),
        sa.Column("rating_asked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'waiting', 'closed')", name=op.f("ck_support_tickets_state")),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_support_tickets_rating_in_range")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_support_tickets_user_id_users")),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_support_tickets_assignee_id_users")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_support_tickets_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_tickets")),
        sa.UniqueConstraint("sequence", name=op.f("uq_support_tickets_sequence")),
    )
    active, answered = sa.text("state <> 'closed'"), sa.text("answered_at IS NOT NULL")
    op.create_index("uq_support_tickets_active", "support_tickets", ["user_id"], unique=True, postgresql_where=active)
    op.create_index("ix_support_tickets_user_id", "support_tickets", ["user_id", "opened_at"])
    op.create_index("ix_support_tickets_state", "support_tickets", ["state", "state_since", "id"])
    op.create_index(
        "ix_support_tickets_assignee", "support_tickets", ["assignee_id", "state_since"], postgresql_where=active
    )
    op.create_index("ix_support_tickets_answered_at", "support_tickets", ["answered_at"], postgresql_where=answered)
    op.create_table(
        "support_ready_answers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("texts", JSONB(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_ready_answers")),
    )
    table = "support_messages"
    op.alter_column(table, "chat_id", nullable=True)
    op.alter_column(table, "message_id", nullable=True)
    op.add_column(table, sa.Column("ticket_id", sa.Uuid(), nullable=True))
    op.add_column(table, sa.Column("kind", sa.Text(), server_default=sa.text("'text'"), nullable=False))
    op.add_column(table, sa.Column("data_key_id", sa.Uuid(), nullable=True))
    op.add_column(table, sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.add_column(table, sa.Column("intent", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column(table, sa.Column("delivery", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_support_messages_ticket_id_support_tickets"), table, "support_tickets", ["ticket_id"], ["id"]
    )
    deliveries = "delivery IN ('pending', 'delivered', 'blocked', 'refused', 'failed')"
    op.create_check_constraint(op.f("ck_support_messages_delivery"), table, deliveries)
    whole = "(chat_id IS NULL) = (message_id IS NULL)"
    op.create_check_constraint(op.f("ck_support_messages_whole_origin"), table, whole)
    by_a_key = "(sealed IS NULL) = (data_key_id IS NULL)"
    op.create_check_constraint(op.f("ck_support_messages_sealed_by_a_key"), table, by_a_key)
    op.create_index("ix_support_messages_ticket_id", table, ["ticket_id", "id"])
    intended = sa.text("intent <> ''")
    op.create_index(
        "uq_support_messages_intent", table, ["author_id", "intent"], unique=True, postgresql_where=intended
    )


def downgrade() -> None:
    """Down."""
    table = "support_messages"
    op.drop_index("uq_support_messages_intent", table_name=table)
    op.drop_index("ix_support_messages_ticket_id", table_name=table)
    for name in ("delivery", "whole_origin", "sealed_by_a_key"):
        op.drop_constraint(op.f(f"ck_support_messages_{name}"), table, type_="check")
    op.drop_constraint(op.f("fk_support_messages_ticket_id_support_tickets"), table, type_="foreignkey")
    # What was written in the back office has no place in the chat from where it could be copied.
    op.execute("DELETE FROM support_messages WHERE chat_id IS NULL")
    for name in ("delivery", "intent", "sealed", "data_key_id", "kind", "ticket_id"):
        op.drop_column(table, name)
    op.alter_column(table, "message_id", nullable=False)
    op.alter_column(table, "chat_id", nullable=False)
    op.drop_table("support_ready_answers")
    op.drop_table("support_tickets")
    op.drop_table("support_keys")
