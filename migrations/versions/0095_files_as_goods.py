"""Files as goods: versions, offers, lines, and copies that bear a name."""

import sqlalchemy as sa
from alembic import op

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Up."""
    op.create_table(
        "file_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=True),
        sa.Column("stamps", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("stored", sa.Text(), nullable=False),
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_file_versions_version_positive")),
        sa.CheckConstraint("size > 0", name=op.f("ck_file_versions_size_positive")),
        sa.CheckConstraint("NOT stamps OR pages IS NOT NULL", name=op.f("ck_file_versions_stamped_pages")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_file_versions_variant_id_variants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_versions")),
        sa.UniqueConstraint("variant_id", "version", name=op.f("uq_file_versions_variant_id_version")),
    )
    op.create_table(
        "file_offers",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("download_limit", sa.BigInteger(), server_default=sa.text("10"), nullable=False),
        sa.Column("latest_for_all", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("download_limit BETWEEN 1 AND 1000", name=op.f("ck_file_offers_limit_in_range")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_file_offers_variant_id_variants")),
        sa.ForeignKeyConstraint(["file_id"], ["file_versions.id"], name=op.f("fk_file_offers_file_id_file_versions")),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_file_offers")),
    )
    op.create_table(
        "file_lines",
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("downloads", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("download_limit", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_file_lines_quantity_positive")),
        sa.CheckConstraint("state IN ('reserved', 'sold', 'revoked')", name=op.f("ck_file_lines_state_known")),
        sa.CheckConstraint("(state = 'reserved') = (file_id IS NULL)", name=op.f("ck_file_lines_sold_with_a_version")),
        sa.CheckConstraint("downloads BETWEEN 0 AND download_limit", name=op.f("ck_file_lines_downloads_within_limit")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_file_lines_variant_id_variants")),
        sa.ForeignKeyConstraint(["file_id"], ["file_versions.id"], name=op.f("fk_file_lines_file_id_file_versions")),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_file_lines")),
    )
    op.create_index("ix_file_lines_variant_id", "file_lines", ["variant_id", "taken_at"])
    op.create_index(
        "ix_file_lines_used_up", "file_lines", ["variant_id"],
        postgresql_where=sa.text("state = 'sold' AND downloads >= download_limit"),
    )  # fmt: skip
    op.create_table(
        "file_copies",
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("stored", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["file_lines.order_line_id"], name=op.f("fk_file_copies_order_line_id_file_lines")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["file_versions.id"], name=op.f("fk_file_copies_file_id_file_versions")),
        sa.PrimaryKeyConstraint("order_line_id", "file_id", name=op.f("pk_file_copies")),
    )


def downgrade() -> None:
    """Down. Products that are sold as files stay, and nobody can buy them."""
    for table in ("file_copies", "file_lines", "file_offers", "file_versions"):
        op.drop_table(table)
