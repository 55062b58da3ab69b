"""What products are found by, the catalogue's words, what people searched for and what they wish for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up: the worker makes the documents of the products that are there."""
    op.create_table(
        "search_documents",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("fold_version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_search_documents_product_id_products")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_search_documents")),
    )
    op.create_index(
        "ix_search_documents_words",
        "search_documents",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("products", sa.BigInteger(), nullable=False),
        sa.Column("named", sa.BigInteger(), nullable=False),
        sa.Column("sound", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )
    op.create_index("ix_search_words_sound", "search_words", ["sound"], postgresql_where=sa.text("sound <> ''"))
    op.create_index("ix_search_words_added", "search_words", ["added"])
    op.create_table(
        "recent_searches",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("searched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recent_searches_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_recent_searches")),
    )
    op.create_table(
        "search_wishes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(told_at IS NULL) = (product_id IS NULL)", name=op.f("ck_search_wishes_told_of_a_product")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_search_wishes_product_id_products")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_search_wishes_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_search_wishes")),
    )
    op.create_index("ix_search_wishes_open", "search_wishes", ["key"], postgresql_where=sa.text("told_at IS NULL"))


def downgrade() -> None:
    """Down: documents can be made again; what people searched and wished for is forgotten."""
    op.drop_table("search_wishes")
    op.drop_table("recent_searches")
    op.drop_table("search_words")
    op.drop_table("search_documents")
