"""Reminders of a course to students who have done nothing for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0055"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
# Who was last there within a month is reminded from the third day on; nobody of a quiet that began long ago.
_BEGIN = """
    UPDATE enrolments e SET active_at = p.at,
           remind_at = CASE WHEN e.completed_at IS NULL AND p.at > now() - interval '30 days'
                            THEN now() + interval '3 days' END
    FROM (
        SELECT enrolment_id, max(greatest(opened_at, completed_at, submitted_at)) AS at
        FROM lesson_progress GROUP BY enrolment_id
    ) p
    WHERE p.enrolment_id = e.id
"""


def upgrade() -> None:
    """Up."""
    op.add_column("courses", sa.Column("remind_days", sa.BigInteger(), server_default=sa.text("3"), nullable=False))
    op.create_check_constraint(op.f("ck_courses_remind_days_known"), "courses", "remind_days BETWEEN 0 AND 90")
    op.add_column("enrolments", sa.Column("active_at", _AT, nullable=True))
    op.add_column("enrolments", sa.Column("remind_at", _AT, nullable=True))
    op.add_column("enrolments", sa.Column("reminders", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("enrolments", sa.Column("reminded_at", _AT, nullable=True))
    op.create_check_constraint(
        op.f("ck_enrolments_reminded_at_a_time"),
        "enrolments",
        "reminders >= 0 AND (reminders = 0 OR reminded_at IS NOT NULL)",
    )
    op.execute(_BEGIN)
    op.create_index(
        "ix_enrolments_remind_at",
        "enrolments",
        ["remind_at", "id"],
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_table(
        "learners",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reminders_off_at", _AT, nullable=True),
        sa.Column("reminded_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_learners_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_learners")),
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("learners")
    op.drop_index("ix_enrolments_remind_at", table_name="enrolments")
    op.drop_constraint(op.f("ck_enrolments_reminded_at_a_time"), "enrolments", type_="check")
    for column in ("reminded_at", "reminders", "remind_at", "active_at"):
        op.drop_column("enrolments", column)
    op.drop_constraint(op.f("ck_courses_remind_days_known"), "courses", type_="check")
    op.drop_column("courses", "remind_days")
