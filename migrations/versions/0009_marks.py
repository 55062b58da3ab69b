"""How far a provider has looked for a payment."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("payment_intents", sa.Column("mark", sa.Text(), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    """Down."""
    op.drop_column("payment_intents", "mark")
