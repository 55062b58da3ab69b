"""Questions at purchase, and what buyers have answered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "product_questions",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("questions", postgresql.JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("jsonb_typeof(questions) = 'array'", name=op.f("ck_product_questions_questions_listed")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_product_questions_product_id_products")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_questions")),
    )
    op.create_table(
        "answer_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_answer_keys_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_answer_keys")),
    )
    op.create_table(
        "order_line_answers",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["line_id"], ["order_lines.id"], name=op.f("fk_order_line_answers_line_id_order_lines")
        ),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_order_line_answers")),
    )


def downgrade() -> None:
    """Down."""
    op.drop_table("order_line_answers")
    op.drop_table("answer_keys")
    op.drop_table("product_questions")
