"""A cart's reminder is a message that waits, and not a timer's work."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_RENAME = "UPDATE outbox_jobs SET task = 'notifications.{}' WHERE task = 'notifications.{}'"
# Those that the timer would have taken: their jobs begin to wait now.
_WAIT = """
    INSERT INTO outbox_jobs (id, task, payload, created_at, run_at)
    SELECT uuidv7(), 'notifications.cart_filled',
           jsonb_build_object('user_id', user_id, 'version', version, 'remind_at', remind_at), now(), now()
    FROM carts WHERE remind_at IS NOT NULL
"""
_FILLED = """
    UPDATE carts SET filled_version = version
    WHERE EXISTS (SELECT FROM cart_lines WHERE user_id = carts.user_id AND removed_at IS NULL)
"""


def upgrade() -> None:
    """Up: a cart counts as filled in the version that it has."""
    op.drop_index("ix_carts_remind_at", "carts", postgresql_where=sa.text("remind_at IS NOT NULL"))
    op.add_column("carts", sa.Column("filled_version", sa.BigInteger(), nullable=True))
    op.execute(_FILLED)
    op.execute(_RENAME.format("cart_filled", "cart_left"))
    op.execute(_WAIT)


def downgrade() -> None:
    """Down: the timer takes the reminders whose time comes; jobs of the others would be sent at once, so they go."""
    op.execute("DELETE FROM outbox_jobs WHERE task = 'notifications.cart_filled' AND done_at IS NULL")
    op.execute(_RENAME.format("cart_left", "cart_filled"))
    op.drop_column("carts", "filled_version")
    op.create_index("ix_carts_remind_at", "carts", ["remind_at"], postgresql_where=sa.text("remind_at IS NOT NULL"))
