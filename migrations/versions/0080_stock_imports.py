"""Stock: imports by screen, expiry of keys, what was removed or moved and can be undone."""

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None

_STATES = "'available', 'held', 'reserved', 'sold', 'faulty', 'stopped', 'removed', 'shared'"
_AVAILABLE = sa.text("state = 'available'")


def upgrade() -> None:
    """Up."""
    op.create_table(
        "stock_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("written", sa.Text(), nullable=False),
        sa.Column("as_is", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("staged", sa.Text(), nullable=True),
        sa.Column("data_key_id", sa.Uuid(), nullable=True),
        sa.Column("received", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sealed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fresh", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("known", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("twice", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bad", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=True),
        sa.Column("checkpoint", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("added", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("batch_name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("unit_cost", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('uploading', 'checking', 'checked', 'importing', 'stopped', 'done', 'discarded')",
            name=op.f("ck_stock_imports_state_known"),
        ),
        sa.CheckConstraint("unit_cost >= 0", name=op.f("ck_stock_imports_cost_not_negative")),
        sa.CheckConstraint("checkpoint <= rows", name=op.f("ck_stock_imports_checkpoint_within_rows")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_stock_imports_variant_id_variants")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_stock_imports_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_imports")),
    )
    op.create_index(
        "ix_stock_imports_staged", "stock_imports", ["touched_at"], postgresql_where=sa.text("staged IS NOT NULL")
    )
    op.create_table(
        "stock_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("target_batch_id", sa.Uuid(), nullable=True),
        sa.Column("keys", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("skipped", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("restored", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('removal', 'move')", name=op.f("ck_stock_changes_kind_known")),
        sa.CheckConstraint(
            "state IN ('running', 'done', 'undoing', 'undone')", name=op.f("ck_stock_changes_state_known")
        ),
        sa.CheckConstraint(
            "(kind = 'move') = (target_batch_id IS NOT NULL)", name=op.f("ck_stock_changes_moved_somewhere")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["stock_batches.id"], name=op.f("fk_stock_changes_batch_id_stock_batches")),
        sa.ForeignKeyConstraint(
            ["target_batch_id"], ["stock_batches.id"], name=op.f("fk_stock_changes_target_batch_id_stock_batches")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_stock_changes_made_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_changes")),
    )  # fmt: skip
    op.create_index("ix_stock_changes_batch_id", "stock_changes", ["batch_id"])
    op.create_index("ix_stock_changes_target_batch_id", "stock_changes", ["target_batch_id"])
    op.add_column("stock_batches", sa.Column("name", sa.Text(), nullable=True))
    op.add_column("stock_batches", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("stock_batches", sa.Column("import_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_stock_batches_import_id_stock_imports"), "stock_batches", "stock_imports", ["import_id"], ["id"]
    )
    op.create_index(
        "uq_stock_batches_import_id_variant_id", "stock_batches", ["import_id", "variant_id"], unique=True,
        postgresql_where=sa.text("import_id IS NOT NULL"),
    )  # fmt: skip
    op.add_column("stock_keys", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("stock_keys", sa.Column("change_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_stock_keys_change_id_stock_changes"), "stock_keys", "stock_changes", ["change_id"], ["id"]
    )
    op.create_index(
        "ix_stock_keys_change_id", "stock_keys", ["change_id"], postgresql_where=sa.text("change_id IS NOT NULL")
    )
    op.create_index(
        "ix_stock_keys_expiring", "stock_keys", ["expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL AND state IN ('available', 'stopped')"),
    )  # fmt: skip
    op.drop_index("ix_stock_keys_available", "stock_keys")
    op.create_index(
        "ix_stock_keys_available", "stock_keys", ["variant_id", "position"], postgresql_where=_AVAILABLE,
        postgresql_include=["expires_at"],
    )  # fmt: skip
    _check_states(_STATES + ", 'expired'")


def downgrade() -> None:
    """Down: expired keys are removed ones, rather than sold."""
    op.execute("UPDATE stock_keys SET state = 'removed' WHERE state = 'expired'")
    _check_states(_STATES)
    op.drop_index("ix_stock_keys_available", "stock_keys")
    op.drop_index("ix_stock_keys_expiring", "stock_keys")
    op.drop_index("ix_stock_keys_change_id", "stock_keys")
    op.drop_constraint(op.f("fk_stock_keys_change_id_stock_changes"), "stock_keys")
    op.drop_column("stock_keys", "change_id")
    op.drop_column("stock_keys", "expires_at")
    op.create_index("ix_stock_keys_available", "stock_keys", ["variant_id", "position"], postgresql_where=_AVAILABLE)
    op.drop_index("uq_stock_batches_import_id_variant_id", "stock_batches")
    op.drop_constraint(op.f("fk_stock_batches_import_id_stock_imports"), "stock_batches")
    op.drop_column("stock_batches", "import_id")
    op.drop_column("stock_batches", "expires_at")
    op.drop_column("stock_batches", "name")
    op.drop_table("stock_changes")
    op.drop_table("stock_imports")


def _check_states(known: str) -> None:
    op.drop_constraint(op.f("ck_stock_keys_state_known"), "stock_keys")
    op.create_check_constraint(op.f("ck_stock_keys_state_known"), "stock_keys", f"state IN ({known})")
