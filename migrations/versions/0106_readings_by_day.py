"""Readings: how many were asked for in a time."""

import sqlalchemy as sa
from alembic import op

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_index("ix_readings_asked_at", "readings", ["asked_at"], postgresql_where=sa.text("asked_at IS NOT NULL"))


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_readings_asked_at", table_name="readings")
