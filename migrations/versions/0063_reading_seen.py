"""When the person first had the whole text of an answer on their page."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up: texts that are complete have been seen, so that nobody is told of them."""
    op.add_column("reading_answers", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE reading_answers SET seen_at = finished_at WHERE status = 'complete'")


def downgrade() -> None:
    """Down."""
    op.drop_column("reading_answers", "seen_at")
