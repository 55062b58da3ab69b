"""Files as goods: which address was used by which device."""

import sqlalchemy as sa
from alembic import op

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "file_fetches",
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["file_lines.order_line_id"], name=op.f("fk_file_fetches_order_line_id_file_lines")
        ),
        sa.PrimaryKeyConstraint("order_line_id", "address", "device", name=op.f("pk_file_fetches")),
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("file_fetches")
