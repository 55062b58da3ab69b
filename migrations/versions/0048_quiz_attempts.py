"""Attempts at quizzes and their answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_RUNS = sa.text("finished_at IS NULL")


def upgrade() -> None:
    """Up."""
    op.create_table(
        "quiz_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        sa.Column("quiz_version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("deadline_at", _AT, nullable=True),
        sa.Column("finished_at", _AT, nullable=True),
        sa.Column("timed_out", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quiz_attempts")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolments.id"], name=op.f("fk_quiz_attempts_enrolment_id_enrolments")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_quiz_attempts_user_id_users")),
        sa.ForeignKeyConstraint(
            ["lesson_id", "quiz_version"], ["lesson_quizzes.lesson_id", "lesson_quizzes.version"],
            name=op.f("fk_quiz_attempts_lesson_id_quiz_version_lesson_quizzes"),
        ),
        sa.UniqueConstraint(
            "enrolment_id", "lesson_id", "number", name=op.f("uq_quiz_attempts_enrolment_id_lesson_id_number")
        ),
        sa.CheckConstraint("number >= 1 AND place >= 1", name=op.f("ck_quiz_attempts_number_positive")),
        sa.CheckConstraint("points BETWEEN 0 AND total", name=op.f("ck_quiz_attempts_points_of_total")),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (points IS NULL) AND (finished_at IS NULL) = (passed IS NULL)",
            name=op.f("ck_quiz_attempts_finished_with_a_result"),
        ),
        sa.CheckConstraint("finished_at <= deadline_at", name=op.f("ck_quiz_attempts_finished_in_time")),
    )  # fmt: skip
    op.create_index(
        "uq_quiz_attempts_running", "quiz_attempts", ["enrolment_id", "lesson_id"], unique=True, postgresql_where=_RUNS
    )
    op.create_index(
        "ix_quiz_attempts_deadline", "quiz_attempts", ["deadline_at"],
        postgresql_where=sa.text("finished_at IS NULL AND deadline_at IS NOT NULL"),
    )  # fmt: skip
    op.create_index("ix_quiz_attempts_lesson", "quiz_attempts", ["lesson_id", "started_at", "id"])
    op.create_table(
        "quiz_answers",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.Column("choice", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("text", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("answered_at", _AT, nullable=True),
        sa.Column("is_right", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("attempt_id", "question_id", name=op.f("pk_quiz_answers")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["quiz_attempts.id"], name=op.f("fk_quiz_answers_attempt_id_quiz_attempts")
        ),
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("quiz_answers")
    op.drop_table("quiz_attempts")
