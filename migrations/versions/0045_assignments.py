"""What students submit and ask, and what teachers answer."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_OPEN = sa.text("state = 'in_review'")


def upgrade() -> None:
    """Up."""
    op.create_table(
        "submissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("versions", sa.BigInteger(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=True),
        sa.Column("submitted_at", _AT, nullable=False),
        sa.Column("due_at", _AT, nullable=True),
        sa.Column("answered_at", _AT, nullable=True),
        sa.Column("escalated_at", _AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolments.id"], name=op.f("fk_submissions_enrolment_id_enrolments")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_submissions_user_id_users")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_submissions_course_id_courses")),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_submissions_lesson_id_lessons")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_submissions_reviewer_id_users")),
        sa.CheckConstraint("kind IN ('assignment', 'question')", name=op.f("ck_submissions_kind_known")),
        sa.CheckConstraint(
            "state IN ('received', 'in_review', 'returned', 'accepted')", name=op.f("ck_submissions_state_known")
        ),
        sa.CheckConstraint("versions >= 1", name=op.f("ck_submissions_versions_positive")),
        sa.CheckConstraint(
            "state <> 'in_review' OR due_at IS NOT NULL", name=op.f("ck_submissions_promised_while_in_review")
        ),
    )
    op.create_index(
        "uq_submissions_assignment", "submissions", ["enrolment_id", "lesson_id"], unique=True,
        postgresql_where=sa.text("kind = 'assignment'"),
    )  # fmt: skip
    op.create_index("ix_submissions_lesson", "submissions", ["user_id", "lesson_id"])
    op.create_index("ix_submissions_waiting", "submissions", ["due_at", "id"], postgresql_where=_OPEN)
    op.create_index(
        "ix_submissions_answered_at", "submissions", ["answered_at", "id"],
        postgresql_where=sa.text("answered_at IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "submission_versions",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("submitted_at", _AT, nullable=False),
        sa.Column("due_at", _AT, nullable=True),
        sa.PrimaryKeyConstraint("submission_id", "number", name=op.f("pk_submission_versions")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_submission_versions_submission_id_submissions")
        ),
        sa.UniqueConstraint("submission_id", "intent", name=op.f("uq_submission_versions_submission_id_intent")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_submission_versions_number_positive")),
    )
    op.create_table(
        "submission_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission_files")),
        sa.ForeignKeyConstraint(
            ["submission_id", "version"],
            ["submission_versions.submission_id", "submission_versions.number"],
            name=op.f("fk_submission_files_submission_id_submission_versions"),
        ),
        sa.UniqueConstraint(
            "submission_id", "version", "position", name=op.f("uq_submission_files_submission_id_version_position")
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_submission_files_size_positive")),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("sent_at", _AT, nullable=True),
        sa.Column("corrected_at", _AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.ForeignKeyConstraint(
            ["submission_id", "version"],
            ["submission_versions.submission_id", "submission_versions.number"],
            name=op.f("fk_feedback_submission_id_submission_versions"),
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_feedback_author_id_users")),
        sa.CheckConstraint("verdict IN ('accept', 'again')", name=op.f("ck_feedback_verdict_known")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_feedback_revision_positive")),
        sa.CheckConstraint(
            "corrected_at IS NULL OR sent_at IS NOT NULL", name=op.f("ck_feedback_corrected_after_sent")
        ),
    )
    op.create_index(
        "uq_feedback_draft", "feedback", ["submission_id", "author_id"], unique=True,
        postgresql_where=sa.text("sent_at IS NULL"),
    )  # fmt: skip
    op.create_index("ix_feedback_submission_id", "feedback", ["submission_id", "created_at"])
    op.create_table(
        "feedback_revisions",
        sa.Column("feedback_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("feedback_id", "revision", name=op.f("pk_feedback_revisions")),
        sa.ForeignKeyConstraint(
            ["feedback_id"], ["feedback.id"], name=op.f("fk_feedback_revisions_feedback_id_feedback")
        ),
    )


def downgrade() -> None:
    """Down."""
    for table in ("feedback_revisions", "feedback", "submission_files", "submission_versions", "submissions"):
        op.drop_table(table)
