"""A payment is cancelled when another method is chosen; what it is for is kept for its invoice."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_BEFORE = (
    "'created', 'pending', 'confirming', 'succeeded', 'underpaid', 'overpaid', 'expired', 'failed', 'refunded', "
    "'partially_refunded'"
)
_CHECK = "ck_payment_intents_status_known"


def _allow(statuses: str) -> None:
    op.drop_constraint(op.f(_CHECK), "payment_intents", type_="check")
    op.create_check_constraint(op.f(_CHECK), "payment_intents", f"status IN ({statuses})")


def upgrade() -> None:
    """Up."""
    op.add_column("payment_intents", sa.Column("title", sa.Text(), server_default=sa.text("''"), nullable=False))
    _allow(f"{_BEFORE}, 'cancelled'")


def downgrade() -> None:
    """Down: a cancelled payment takes late money as an expired one does."""
    op.execute("UPDATE payment_intents SET status = 'expired' WHERE status = 'cancelled'")
    _allow(_BEFORE)
    op.drop_column("payment_intents", "title")
