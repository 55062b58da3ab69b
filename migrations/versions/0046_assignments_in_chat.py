"""Assignments in the chat: messages that become versions, replies that become feedback."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_OLD = "kind IN ('order', 'deposit', 'support')"
_NEW = "kind IN ('order', 'deposit', 'support', 'submission', 'lesson')"


def upgrade() -> None:
    """Up."""
    op.drop_constraint(op.f("ck_chat_subjects_kind"), "chat_subjects", type_="check")
    op.create_check_constraint(op.f("ck_chat_subjects_kind"), "chat_subjects", _NEW)
    op.add_column("chat_subjects", sa.Column("version", sa.BigInteger(), nullable=True))
    ids = postgresql.ARRAY(sa.BigInteger())
    op.add_column("lesson_deliveries", sa.Column("part_ids", ids, server_default=sa.text("'{}'"), nullable=False))
    for table in ("submission_files", "feedback"):
        op.add_column(table, sa.Column("chat_id", sa.BigInteger(), nullable=True))
        op.add_column(table, sa.Column("message_id", sa.BigInteger(), nullable=True))
        op.create_unique_constraint(op.f(f"uq_{table}_chat_id_message_id"), table, ["chat_id", "message_id"])
    op.add_column("feedback", sa.Column("copied", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.alter_column("submission_files", "stored", nullable=True)
    op.drop_constraint(op.f("ck_submission_files_size_positive"), "submission_files", type_="check")
    for name, condition in (
        ("size_not_negative", "size >= 0"),
        ("somewhere", "stored IS NOT NULL OR message_id IS NOT NULL"),
        ("message_of_a_chat", "(chat_id IS NULL) = (message_id IS NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_submission_files_{name}"), "submission_files", condition)
    op.create_table(
        "submission_parts",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        sa.Column("about_id", sa.Uuid(), nullable=True),
        sa.Column("media_group_id", sa.Text(), nullable=True),
        sa.Column("data_key_id", sa.Uuid(), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("has_file", sa.Boolean(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("received_at", _AT, nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("chat_id", "message_id", name=op.f("pk_submission_parts")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_submission_parts_user_id_users")),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_submission_parts_lesson_id_lessons")),
        sa.ForeignKeyConstraint(
            ["about_id"], ["submissions.id"], name=op.f("fk_submission_parts_about_id_submissions")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_submission_parts_submission_id_submissions")
        ),
        sa.CheckConstraint("kind IN ('assignment', 'question')", name=op.f("ck_submission_parts_kind_known")),
    )
    op.create_index(
        "ix_submission_parts_album", "submission_parts", ["chat_id", "media_group_id"],
        postgresql_where=sa.text("media_group_id IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "submission_openings",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_submission_openings")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_submission_openings_user_id_users")),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_submission_openings_lesson_id_lessons")),
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("submission_openings")
    op.drop_table("submission_parts")
    for name in ("size_not_negative", "somewhere", "message_of_a_chat"):
        op.drop_constraint(op.f(f"ck_submission_files_{name}"), "submission_files", type_="check")
    op.execute("DELETE FROM submission_files WHERE stored IS NULL OR size = 0")
    op.create_check_constraint(op.f("ck_submission_files_size_positive"), "submission_files", "size > 0")
    op.alter_column("submission_files", "stored", nullable=False)
    op.drop_column("feedback", "copied")
    for table in ("submission_files", "feedback"):
        op.drop_constraint(op.f(f"uq_{table}_chat_id_message_id"), table, type_="unique")
        op.drop_column(table, "message_id")
        op.drop_column(table, "chat_id")
    op.drop_column("lesson_deliveries", "part_ids")
    op.drop_column("chat_subjects", "version")
    op.execute("DELETE FROM chat_subjects WHERE kind IN ('submission', 'lesson')")
    op.drop_constraint(op.f("ck_chat_subjects_kind"), "chat_subjects", type_="check")
    op.create_check_constraint(op.f("ck_chat_subjects_kind"), "chat_subjects", _OLD)
