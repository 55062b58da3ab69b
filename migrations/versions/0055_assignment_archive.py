"""Old submissions are archived: what they consist of is in a file."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("submissions", sa.Column("archived", sa.Text(), nullable=True))
    for name in ("archived_at", "restored_at"):
        op.add_column("submissions", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name, condition in (
        ("archived_after_review", "archived IS NULL OR state <> 'in_review'"),
        ("archived_with_moment", "(archived IS NULL) = (archived_at IS NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_submissions_{name}"), "submissions", condition)
    op.create_index(
        "ix_submissions_touched",
        "submissions",
        [sa.text("GREATEST(submitted_at, answered_at, restored_at)")],
        postgresql_where=sa.text("archived IS NULL AND state <> 'in_review'"),
    )


def downgrade() -> None:
    """Down; refused while anything is archived, since the version before could not read it."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM submissions WHERE archived IS NOT NULL) THEN "
        "RAISE EXCEPTION 'submissions are archived'; END IF; END $$"
    )
    op.drop_index("ix_submissions_touched", "submissions")
    for name in ("archived_with_moment", "archived_after_review"):
        op.drop_constraint(op.f(f"ck_submissions_{name}"), "submissions", type_="check")
    for name in ("restored_at", "archived_at", "archived"):
        op.drop_column("submissions", name)
