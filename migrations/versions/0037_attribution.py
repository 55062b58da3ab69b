"""Partners, and the first touch of each person."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Up."""
    op.create_table(
        "partners",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("stopped_at", _AT, nullable=True),
        sa.CheckConstraint("code ~ '^[A-Za-z0-9_-]{2,19}$'", name=op.f("ck_partners_code_fits_a_link")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_partners_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
    )
    op.create_index("uq_partners_code", "partners", [sa.text("lower(code)")], unique=True)
    op.create_table(
        "attributions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("start_param", sa.Text(), nullable=False),
        sa.Column("seen_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_attributions_user_id_users")),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_attributions_partner_id_partners")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_attributions")),
    )
    op.create_index("ix_attributions_partner_id", "attributions", ["partner_id", "seen_at"])


def downgrade() -> None:
    """Down: who brought whom is forgotten."""
    op.drop_table("attributions")
    op.drop_table("partners")
