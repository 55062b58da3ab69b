"""What an answer has cost, so that figures need not ask the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("reading_answers", sa.Column("charged", sa.BigInteger(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    """Down."""
    op.drop_column("reading_answers", "charged")
