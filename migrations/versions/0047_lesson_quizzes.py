"""Quizzes of lessons, each change a version of its own, and since when a student is done with one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "lesson_quizzes",
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lesson_id", "version", name=op.f("pk_lesson_quizzes")),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_lesson_quizzes_lesson_id_lessons")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_lesson_quizzes_version_positive")),
    )
    op.add_column("lessons", sa.Column("quiz_version", sa.BigInteger(), nullable=True))
    op.add_column("lessons", sa.Column("quiz_required", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("lesson_progress", sa.Column("quiz_done_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Down."""
    op.drop_column("lesson_progress", "quiz_done_at")
    op.drop_column("lessons", "quiz_required")
    op.drop_column("lessons", "quiz_version")
    op.drop_table("lesson_quizzes")
