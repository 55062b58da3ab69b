"""Groups of Telegram that belong to plans, and who is in them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Up."""
    op.create_table(
        "community_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("can_invite", sa.Boolean(), nullable=False),
        sa.Column("can_remove", sa.Boolean(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("link_checked_at", _AT, nullable=True),
        sa.Column("members", sa.BigInteger(), nullable=True),
        sa.Column("reported", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("added_at", _AT, nullable=False),
        sa.Column("changed_at", _AT, nullable=True),
        sa.Column("checked_at", _AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_groups")),
        sa.UniqueConstraint("chat_id", name=op.f("uq_community_groups_chat_id")),
        sa.CheckConstraint("kind IN ('group', 'supergroup', 'channel')", name=op.f("ck_community_groups_kind_known")),
        sa.CheckConstraint("bot IN ('admin', 'member', 'gone')", name=op.f("ck_community_groups_bot_known")),
    )
    op.create_table(
        "community_group_plans",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("tariff_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", _AT, nullable=False),
        sa.Column("linked_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("group_id", "tariff_id", name=op.f("pk_community_group_plans")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["community_groups.id"], name=op.f("fk_community_group_plans_group_id_community_groups")
        ),
        sa.ForeignKeyConstraint(
            ["tariff_id"], ["course_tariffs.id"], name=op.f("fk_community_group_plans_tariff_id_course_tariffs")
        ),
        sa.ForeignKeyConstraint(["linked_by"], ["users.id"], name=op.f("fk_community_group_plans_linked_by_users")),
    )
    op.create_index("ix_community_group_plans_tariff_id", "community_group_plans", ["tariff_id"])
    op.create_table(
        "community_members",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'unknown'"), nullable=False),
        sa.Column("student", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("changed_at", _AT, nullable=True),
        sa.Column("requested_at", _AT, nullable=True),
        sa.Column("joined_at", _AT, nullable=True),
        sa.Column("invited_at", _AT, nullable=True),
        sa.Column("checked_at", _AT, nullable=True),
        sa.Column("retry_at", _AT, nullable=True),
        sa.Column("lease_until", _AT, nullable=True),
        sa.PrimaryKeyConstraint("group_id", "telegram_id", name=op.f("pk_community_members")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["community_groups.id"], name=op.f("fk_community_members_group_id_community_groups")
        ),
        sa.CheckConstraint(
            "state IN ('unknown', 'out', 'requested', 'in', 'admin', 'banned')",
            name=op.f("ck_community_members_state_known"),
        ),
    )
    op.create_index("ix_community_members_telegram_id", "community_members", ["telegram_id"])
    op.create_index("ix_community_members_checked_at", "community_members", ["checked_at"])


def downgrade() -> None:
    """Down."""
    op.drop_table("community_members")
    op.drop_table("community_group_plans")
    op.drop_table("community_groups")
