"""Lines for what is sold out, and keys held for the first person in them."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_STATES = "'reserved', 'sold', 'faulty', 'stopped', 'removed', 'shared'"


def upgrade() -> None:
    """Up."""
    op.add_column("stock_keys", sa.Column("held_for", sa.Uuid(), nullable=True))
    _set_states(f"'available', 'held', {_STATES}")
    op.create_check_constraint(
        op.f("ck_stock_keys_held_for_a_person"), "stock_keys", "(state = 'held') = (held_for IS NOT NULL)"
    )
    op.create_index(
        "ix_stock_keys_held", "stock_keys", ["variant_id", "held_for"], postgresql_where=sa.text("state = 'held'")
    )
    op.create_table(
        "stock_waits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind IS NULL) = (quantity IS NULL)", name=op.f("ck_stock_waits_goods_of_a_kind")),
        sa.CheckConstraint("held_until IS NULL OR kind IS NOT NULL", name=op.f("ck_stock_waits_held_with_goods")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_stock_waits_variant_id_variants")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_stock_waits_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_waits")),
        sa.UniqueConstraint("variant_id", "user_id", name=op.f("uq_stock_waits_variant_id_user_id")),
    )
    op.create_index(
        "ix_stock_waits_line", "stock_waits", ["variant_id", "place"], postgresql_where=sa.text("kind IS NULL")
    )
    op.create_index(
        "ix_stock_waits_held_until", "stock_waits", ["held_until"], postgresql_where=sa.text("held_until IS NOT NULL")
    )
    op.create_index("ix_stock_waits_user_id", "stock_waits", ["user_id"])


def downgrade() -> None:
    """Down: nobody waits any more, and what was held is for sale."""
    op.execute(
        """
        UPDATE shared_keys s SET remaining = s.remaining + w.held FROM (
            SELECT variant_id, sum(quantity) AS held FROM stock_waits WHERE kind = 'shared_key' GROUP BY variant_id
        ) w WHERE w.variant_id = s.variant_id AND s.remaining IS NOT NULL
        """
    )
    op.drop_table("stock_waits")
    op.drop_index("ix_stock_keys_held", "stock_keys")
    op.drop_constraint(op.f("ck_stock_keys_held_for_a_person"), "stock_keys")
    op.execute("UPDATE stock_keys SET state = 'available', held_for = NULL, taken_at = NULL WHERE state = 'held'")
    _set_states(f"'available', {_STATES}")
    op.drop_column("stock_keys", "held_for")


def _set_states(states: str) -> None:
    op.drop_constraint(op.f("ck_stock_keys_state_known"), "stock_keys")
    op.create_check_constraint(op.f("ck_stock_keys_state_known"), "stock_keys", f"state IN ({states})")
