"""The price of each order line, part by part."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_PARTS = ("reseller_part", "promo_part", "already_paid_part")
_CHECKS = {
    "parts_signed": "base_part >= 0 AND reseller_part <= 0 AND promo_part <= 0 AND already_paid_part <= 0",
    "parts_add_up": "total_amount = base_part + reseller_part + promo_part + already_paid_part",
    "total_not_negative": "total_amount >= 0",
}


def upgrade() -> None:
    """Up: what was paid so far is the base, since nothing says whether it was a reseller's price."""
    for name in ("base_part", "total_amount"):
        op.add_column("order_lines", sa.Column(name, sa.BigInteger(), nullable=True))
    for name in _PARTS:
        op.add_column("order_lines", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.execute("UPDATE order_lines SET base_part = unit_amount * quantity, total_amount = unit_amount * quantity")
    for name in ("base_part", "total_amount"):
        op.alter_column("order_lines", name, nullable=False)
    for name, check in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_order_lines_{name}"), "order_lines", check)


def downgrade() -> None:
    """Down: the price of one is again what the buyer paid for one, rounded down where that is no whole unit."""
    op.execute("UPDATE order_lines SET unit_amount = total_amount / quantity WHERE total_amount <> base_part")
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_order_lines_{name}"), "order_lines", type_="check")
    for name in ("base_part", *_PARTS, "total_amount"):
        op.drop_column("order_lines", name)
