"""How many messages of a lesson have arrived, so that one that failed half-way goes on where it stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column(
        "lesson_deliveries", sa.Column("parts_sent", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_check_constraint(op.f("ck_lesson_deliveries_parts_not_negative"), "lesson_deliveries", "parts_sent >= 0")


def downgrade() -> None:
    """Down."""
    op.drop_constraint(op.f("ck_lesson_deliveries_parts_not_negative"), "lesson_deliveries", type_="check")
    op.drop_column("lesson_deliveries", "parts_sent")
