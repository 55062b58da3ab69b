"""Identity: roles of the shop's own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Up."""
    op.create_table(
        "admin_roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("permissions", ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("updated_at", _AT, nullable=False),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 40", name=op.f("ck_admin_roles_name_short")),
        sa.CheckConstraint("permissions <> '{}'", name=op.f("ck_admin_roles_has_permissions")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_admin_roles_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_roles")),
    )
    op.create_index("uq_admin_roles_name", "admin_roles", [sa.text("lower(name)")], unique=True)


def downgrade() -> None:
    """Down."""
    op.drop_table("admin_roles")
