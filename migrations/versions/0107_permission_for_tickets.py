"""Identity: tickets have a permission of their own, which everybody gets who could answer them by that for orders."""

from alembic import op

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None

# Permissions are stored sorted, as the code sorts them. A trigger raises the version of a person's rights.
_TABLES = ("users", "admin_invitations", "admin_roles")
_GIVE = """
    UPDATE {table} SET permissions = ARRAY(
        SELECT one COLLATE "C" FROM unnest(permissions || '{{tickets}}'::text[]) AS one ORDER BY 1
    ) WHERE 'orders' = ANY (permissions) AND NOT 'tickets' = ANY (permissions)
"""
_TAKE = """
    UPDATE {table} SET permissions = array_remove(permissions, 'tickets')
    WHERE 'tickets' = ANY (permissions)
"""
# A role, and a link, that gave tickets alone would give nothing now.
_EMPTY = ("DELETE FROM admin_roles WHERE permissions = '{tickets}'",)


def upgrade() -> None:
    """Up."""
    for table in _TABLES:
        op.execute(_GIVE.format(table=table))


def downgrade() -> None:
    """Down."""
    for statement in _EMPTY:
        op.execute(statement)
    for table in _TABLES:
        op.execute(_TAKE.format(table=table))
