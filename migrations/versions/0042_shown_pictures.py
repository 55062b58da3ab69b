"""What students get of a picture: a copy without metadata."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up. The copies of older pictures are made when they are needed; Telegram is sent those, too."""
    op.add_column("lesson_media", sa.Column("shown", sa.Text(), nullable=True))
    op.add_column("lesson_media", sa.Column("shown_size", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_lesson_media_shown_with_its_size"), "lesson_media", "(shown IS NULL) = (shown_size IS NULL)"
    )
    op.execute("UPDATE lesson_media SET telegram_file_id = NULL, telegram_bot_id = NULL WHERE kind = 'picture'")


def downgrade() -> None:
    """Down."""
    op.drop_constraint(op.f("ck_lesson_media_shown_with_its_size"), "lesson_media", type_="check")
    op.drop_column("lesson_media", "shown_size")
    op.drop_column("lesson_media", "shown")
