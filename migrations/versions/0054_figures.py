"""An index for the figures of a course's assignments."""

from alembic import op

revision = "0054"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_index("ix_submissions_course_id", "submissions", ["course_id", "lesson_id"])


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_submissions_course_id", table_name="submissions")
