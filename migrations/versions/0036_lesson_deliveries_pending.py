"""An index of the lessons whose message is still to be sent, so that a worker never looks through all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_index(
        "ix_lesson_deliveries_retry_at",
        "lesson_deliveries",
        ["retry_at"],
        postgresql_where=sa.text("retry_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_lesson_deliveries_retry_at", "lesson_deliveries")
