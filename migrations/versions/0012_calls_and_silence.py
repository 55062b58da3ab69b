"""Providers' calls that had an effect; payments of which a provider says nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "payment_calls",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "id", name=op.f("pk_payment_calls")),
    )
    op.create_index("ix_payment_calls_received_at", "payment_calls", ["received_at"])
    op.add_column(
        "payment_reconciliations", sa.Column("unknown", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )


def downgrade() -> None:
    """Down."""
    op.drop_column("payment_reconciliations", "unknown")
    op.drop_table("payment_calls")
