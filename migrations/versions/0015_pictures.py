"""The picture of what was bought, as it was then."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.add_column("order_lines", sa.Column("picture", sa.Text(), nullable=True))
    op.execute(
        "UPDATE order_lines SET picture = products.picture FROM variants JOIN products ON products.id = product_id "
        "WHERE variants.id = order_lines.variant_id AND products.picture IS NOT NULL"
    )


def downgrade() -> None:
    """Down."""
    op.drop_column("order_lines", "picture")
