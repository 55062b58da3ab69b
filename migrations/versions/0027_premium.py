"""Premium by the month: until when people have it, and the months that were bought or given."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
NOTIFY = (
    """CREATE FUNCTION premium_periods_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('souk', 'identity:' || coalesce(NEW.user_id, OLD.user_id));
    RETURN NULL;
END $$""",
    """CREATE TRIGGER premium_periods_notify AFTER INSERT OR UPDATE OR DELETE ON premium_periods
    FOR EACH ROW EXECUTE FUNCTION premium_periods_notify()""",
)


def upgrade() -> None:
    """Up."""
    op.add_column("variants", sa.Column("premium_months", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_variants_premium_months_in_range"), "variants", "premium_months BETWEEN 1 AND 120"
    )
    op.create_table(
        "premium_periods",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("months", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("until", _AT, nullable=True),
        sa.Column("stage", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "(months = 0) = (until IS NULL) AND months >= 0", name=op.f("ck_premium_periods_until_with_months")
        ),
        sa.CheckConstraint("stage BETWEEN 0 AND 3", name=op.f("ck_premium_periods_stage_known")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_premium_periods_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_premium_periods")),
    )
    op.create_index(
        "ix_premium_periods_until", "premium_periods", ["until"],
        postgresql_where=sa.text("until IS NOT NULL AND stage < 3"),
    )  # fmt: skip
    for statement in NOTIFY:
        op.execute(statement)
    op.create_table(
        "premium_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("months", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("started_at", _AT, nullable=True),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", _AT, nullable=False),
        sa.CheckConstraint(
            "months <> 0 AND taken >= 0 AND taken <= greatest(months, 0)",
            name=op.f("ck_premium_grants_never_more_back"),
        ),
        sa.CheckConstraint(
            "(order_line_id IS NULL) = (reason IS NOT NULL)", name=op.f("ck_premium_grants_bought_or_reasoned")
        ),
        sa.CheckConstraint("order_line_id IS NULL OR months > 0", name=op.f("ck_premium_grants_bought_positive")),
        sa.CheckConstraint(
            "order_line_id IS NOT NULL OR started_at IS NOT NULL", name=op.f("ck_premium_grants_reserved_for_a_line")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_premium_grants_user_id_users")),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_premium_grants_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_premium_grants")),
        sa.UniqueConstraint("order_line_id", name=op.f("uq_premium_grants_order_line_id")),
    )
    op.create_index("ix_premium_grants_user_id", "premium_grants", ["user_id", "at"])


def downgrade() -> None:
    """Down: who is premium now by months of their own stays so until an admin ends it."""
    op.execute("UPDATE users u SET is_premium = true FROM premium_periods p WHERE p.user_id = u.id AND p.until > now()")
    op.drop_table("premium_grants")
    op.drop_table("premium_periods")
    op.execute("DROP FUNCTION premium_periods_notify()")
    op.drop_column("variants", "premium_months")
