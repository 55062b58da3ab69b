"""What students submit after a lesson, and since when they have."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("lessons", sa.Column("has_assignment", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "lessons", sa.Column("assignment_required", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.add_column("lesson_texts", sa.Column("assignment", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("lesson_progress", sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Down."""
    op.drop_column("lesson_progress", "submitted_at")
    op.drop_column("lesson_texts", "assignment")
    op.drop_column("lessons", "assignment_required")
    op.drop_column("lessons", "has_assignment")
