"""Payments: the indexes of the lists that admins narrow down."""

import sqlalchemy as sa
from alembic import op

revision = "0100"
down_revision = "0099"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_index("ix_payment_intents_status_id", "payment_intents", ["status", "id"])
    op.create_index("ix_payment_intents_created_at", "payment_intents", ["created_at"])
    op.create_index("ix_payment_intents_refunded", "payment_intents", ["id"], postgresql_where=sa.text("refunded > 0"))


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_payment_intents_refunded", "payment_intents")
    op.drop_index("ix_payment_intents_created_at", "payment_intents")
    op.drop_index("ix_payment_intents_status_id", "payment_intents")
