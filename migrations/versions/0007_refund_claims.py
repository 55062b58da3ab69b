"""A refund is claimed before it is sent."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("payment_refunds", sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Down."""
    op.drop_column("payment_refunds", "claimed_until")
