"""Audit entries are found by their action."""

from alembic import op

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_index("ix_audit_entries_action", "audit_entries", ["action", "at", "id"], unique=False)


def downgrade() -> None:
    """Down."""
    op.drop_index("ix_audit_entries_action", table_name="audit_entries")
