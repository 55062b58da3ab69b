"""Prices by quantity, and what they took off a line."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_PARTS = ("base_part", "reseller_part", "promo_part", "already_paid_part")


def upgrade() -> None:
    """Up."""
    steps = sa.Column("quantity_prices", JSONB(), server_default=sa.text("'[]'"), nullable=False)
    op.add_column("variants", steps)
    op.create_check_constraint(
        op.f("ck_variants_quantity_prices_listed"), "variants", "jsonb_typeof(quantity_prices) = 'array'"
    )
    part = sa.Column("quantity_part", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column("order_lines", part)
    _check_parts("base_part", "reseller_part", "quantity_part", "promo_part", "already_paid_part")


def downgrade() -> None:
    """Down: what a quantity took off becomes a part of the base, as was every price before."""
    for name in ("parts_signed", "parts_add_up"):
        op.drop_constraint(op.f(f"ck_order_lines_{name}"), "order_lines", type_="check")
    op.execute("UPDATE order_lines SET base_part = base_part + quantity_part WHERE quantity_part <> 0")
    op.drop_column("order_lines", "quantity_part")
    _check_parts(*_PARTS, replace=False)
    op.drop_column("variants", "quantity_prices")


def _check_parts(base: str, *others: str, replace: bool = True) -> None:
    checks = {
        "parts_signed": " AND ".join([f"{base} >= 0", *(f"{name} <= 0" for name in others)]),
        "parts_add_up": f"total_amount = {' + '.join([base, *others])}",
    }
    for name, check in checks.items():
        if replace:
            op.drop_constraint(op.f(f"ck_order_lines_{name}"), "order_lines", type_="check")
        op.create_check_constraint(op.f(f"ck_order_lines_{name}"), "order_lines", check)
