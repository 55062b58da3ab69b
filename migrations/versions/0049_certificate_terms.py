"""How long a course takes, and whether each run of it has a certificate of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("courses", sa.Column("study_hours", sa.BigInteger(), nullable=True))
    op.add_column(
        "courses", sa.Column("certificate_per_run", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_check_constraint(op.f("ck_courses_study_hours_in_range"), "courses", "study_hours BETWEEN 1 AND 10000")


def downgrade() -> None:
    """Down."""
    op.drop_constraint(op.f("ck_courses_study_hours_in_range"), "courses", type_="check")
    op.drop_column("courses", "certificate_per_run")
    op.drop_column("courses", "study_hours")
