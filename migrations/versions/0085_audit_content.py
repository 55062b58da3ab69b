"""Audit entries: before and after, from where, and what is personal sealed by the person's data key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0085"
down_revision = "0080"
branch_labels = None
depends_on = None

_COLUMNS = {
    "before": postgresql.JSONB(astext_type=sa.Text()),
    "after": postgresql.JSONB(astext_type=sa.Text()),
    "person_id": sa.Uuid(),
    "data_key_id": sa.Uuid(),
    "sealed": sa.LargeBinary(),
    "via": sa.Text(),
    "network": sa.Text(),
    "session_id": sa.Uuid(),
}
_ORDERED = {"at": [], "actor_id": ["actor_id"], "subject": ["subject"]}


def upgrade() -> None:
    """Up: entries that were written before stay as they are; rows are guarded one by one too, in partitions as well."""
    for name, kind in _COLUMNS.items():
        op.add_column("audit_entries", sa.Column(name, kind, nullable=True))
    for name, first in _ORDERED.items():
        op.drop_index(f"ix_audit_entries_{name}", table_name="audit_entries")
        op.create_index(f"ix_audit_entries_{name}", "audit_entries", [*first, "at", "id"], unique=False)
    op.create_index("ix_audit_entries_area", "audit_entries", [sa.text("split_part(action, '.', 1)"), "at", "id"])
    op.create_index(
        "ix_audit_entries_person_id",
        "audit_entries",
        ["person_id", "at", "id"],
        postgresql_where=sa.text("person_id IS NOT NULL"),
    )
    op.execute(
        "CREATE TRIGGER audit_entries_rows_append_only BEFORE UPDATE OR DELETE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION audit_entries_append_only()"
    )
    op.create_table(
        "person_keys",
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("data_key_id", name=op.f("pk_person_keys")),
    )
    op.create_index("ix_person_keys_user_id", "person_keys", ["user_id", "data_key_id"], unique=False)


def downgrade() -> None:
    """Down: what was sealed is lost."""
    op.drop_index("ix_person_keys_user_id", table_name="person_keys")
    op.drop_table("person_keys")
    op.execute("DROP TRIGGER audit_entries_rows_append_only ON audit_entries")
    op.drop_index("ix_audit_entries_person_id", table_name="audit_entries")
    op.drop_index("ix_audit_entries_area", table_name="audit_entries")
    for name, first in _ORDERED.items():
        op.drop_index(f"ix_audit_entries_{name}", table_name="audit_entries")
        op.create_index(f"ix_audit_entries_{name}", "audit_entries", [*first, "at"], unique=False)
    for name in reversed(_COLUMNS):
        op.drop_column("audit_entries", name)
