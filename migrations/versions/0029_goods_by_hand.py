"""Goods by hand: what admins prepare after the payment, and when it was promised."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_OPEN = "state = 'open'"
_CHECKS = {
    "quantity_not_negative": "quantity >= 0",
    "state_known": "state IN ('reserved', 'open', 'delivered', 'refused', 'cancelled')",
    "open_with_something_to_do": "state <> 'open' OR quantity > 0",
    "opened_when_paid": "(state = 'reserved') = (opened_at IS NULL) AND (state = 'reserved') = (due_at IS NULL)",
    "taken_at_a_time": "(taken_by IS NULL) = (taken_at IS NULL)",
    "ended_at_a_time": "(state IN ('reserved', 'open')) = (ended_at IS NULL)",
    "delivered_one_thing": "num_nonnulls(ciphertext, file) = (state = 'delivered')::int",
    "delivered_encrypted": "(state = 'delivered') = (data_key_id IS NOT NULL)",
    "file_named": "(file IS NULL) = (file_name IS NULL) AND (file IS NULL) = (file_size IS NULL)",
    "refused_with_a_reason": "(state = 'refused') = (reason IS NOT NULL)",
}


def upgrade() -> None:
    """Up."""
    op.add_column("variants", sa.Column("promised_hours", sa.BigInteger(), server_default="24", nullable=False))
    op.add_column("variants", sa.Column("open_places", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_variants_promise_positive"), "variants", "promised_hours > 0")
    op.create_check_constraint(op.f("ck_variants_places_positive"), "variants", "open_places > 0")
    op.add_column("order_lines", sa.Column("promised_hours", sa.BigInteger(), nullable=True))
    op.add_column("order_lines", sa.Column("ready_by", sa.DateTime(timezone=True), nullable=True))
    times = ("opened_at", "due_at", "remind_at", "taken_at", "ended_at")
    op.create_table(
        "hand_work",
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in times),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("taken_by", "ended_by", "data_key_id")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("reason", "file", "file_name")),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_hand_work_{name}")) for name, rule in _CHECKS.items()),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_hand_work_variant_id_variants")),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_hand_work")),
    )
    for column in ("due_at", "remind_at"):
        op.create_index(f"ix_hand_work_{column}", "hand_work", [column], postgresql_where=sa.text(_OPEN))
    op.create_index(
        "ix_hand_work_occupied", "hand_work", ["variant_id"],
        postgresql_where=sa.text("state IN ('reserved', 'open')"),
    )  # fmt: skip
    op.create_index("ix_hand_work_variant_id_opened_at", "hand_work", ["variant_id", "opened_at"])


def downgrade() -> None:
    """Down: what was prepared is forgotten."""
    op.drop_table("hand_work")
    op.drop_column("order_lines", "ready_by")
    op.drop_column("order_lines", "promised_hours")
    op.drop_constraint(op.f("ck_variants_places_positive"), "variants")
    op.drop_constraint(op.f("ck_variants_promise_positive"), "variants")
    op.drop_column("variants", "open_places")
    op.drop_column("variants", "promised_hours")
