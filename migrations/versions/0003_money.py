"""The ledger and payments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

GUARDS = (
    """CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$""",
    """CREATE TRIGGER ledger_transfers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfers
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()""",
    """CREATE TRIGGER ledger_legs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_legs
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()""",
    """CREATE TRIGGER ledger_accounts_stay BEFORE DELETE OR TRUNCATE ON ledger_accounts
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()""",
    """CREATE TRIGGER ledger_accounts_identity BEFORE UPDATE OF id, user_id, name, asset ON ledger_accounts
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()""",
    """CREATE FUNCTION ledger_check_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  checked uuid;
  legs bigint;
  highest bigint;
  sound boolean;
BEGIN
  IF TG_TABLE_NAME = 'ledger_transfers' THEN checked := NEW.id; ELSE checked := NEW.transfer_id; END IF;
  SELECT coalesce(sum(per_asset.legs), 0), coalesce(max(per_asset.highest), 0), coalesce(bool_and(per_asset.sound), false)
    INTO legs, highest, sound
    FROM (
      SELECT count(*) AS legs, max(l.ordinal) AS highest,
             sum(l.amount) = 0 AND bool_and(coalesce(a.asset = l.asset AND (a.user_id IS NULL) = (l.seq IS NULL), false)) AS sound
        FROM ledger_legs l LEFT JOIN ledger_accounts a ON a.id = l.account_id
       WHERE l.transfer_id = checked GROUP BY l.asset
    ) per_asset;
  IF NOT sound OR legs < 2 OR highest <> legs - 1 THEN
    RAISE EXCEPTION 'transfer % does not balance', checked
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transfer_balanced', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$""",
    """CREATE CONSTRAINT TRIGGER ledger_transfer_balanced AFTER INSERT ON ledger_transfers
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_transfer()""",
    """CREATE CONSTRAINT TRIGGER ledger_leg_balanced AFTER INSERT ON ledger_legs
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.ordinal >= 2) EXECUTE FUNCTION ledger_check_transfer()""",
    """ALTER TABLE ledger_waiting SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)""",
)

GUARDS_DOWN = (
    """DROP TRIGGER ledger_leg_balanced ON ledger_legs""",
    """DROP TRIGGER ledger_transfer_balanced ON ledger_transfers""",
    """DROP TRIGGER ledger_accounts_identity ON ledger_accounts""",
    """DROP TRIGGER ledger_accounts_stay ON ledger_accounts""",
    """DROP TRIGGER ledger_legs_append_only ON ledger_legs""",
    """DROP TRIGGER ledger_transfers_append_only ON ledger_transfers""",
    """DROP FUNCTION ledger_check_transfer()""",
    """DROP FUNCTION ledger_append_only()""",
)


def upgrade() -> None:
    """Up."""
    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("memo", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(idempotency_key) BETWEEN 1 AND 200", name=op.f("ck_ledger_transfers_key_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_ledger_transfers_idempotency_key")),
    )
    op.create_table(
        "ledger_waiting",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transfer_id", "ordinal", name=op.f("pk_ledger_waiting")),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(user_id IS NULL) = (balance IS NULL) AND (user_id IS NULL) = (seq IS NULL)",
            name=op.f("ck_ledger_accounts_people_have_balances"),
        ),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_ledger_accounts_not_negative")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ledger_accounts_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "uq_ledger_accounts_house",
        "ledger_accounts",
        ["name", "asset"],
        unique=True,
        postgresql_where=sa.text("user_id IS NULL"),
    )
    op.create_index(
        "uq_ledger_accounts_user",
        "ledger_accounts",
        ["user_id", "name", "asset"],
        unique=True,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_table(
        "ledger_legs",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("balance_after", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(seq IS NULL) = (balance_after IS NULL)", name=op.f("ck_ledger_legs_people_have_balances")),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_legs_moves_something")),
        sa.CheckConstraint("ordinal >= 0", name=op.f("ck_ledger_legs_ordinal_counts")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_legs_transfer_id_ledger_transfers")
        ),
        sa.PrimaryKeyConstraint("transfer_id", "ordinal", name=op.f("pk_ledger_legs")),
    )
    op.create_index(
        "uq_ledger_legs_history",
        "ledger_legs",
        ["account_id", "at", "seq"],
        unique=True,
        postgresql_where=sa.text("seq IS NOT NULL"),
    )
    op.create_table(
        "payment_intents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("action", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("polls", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('created', 'pending', 'confirming', 'succeeded', 'underpaid', 'overpaid', 'expired', 'failed', 'refunded', 'partially_refunded')",
            name=op.f("ck_payment_intents_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_intents_amount_positive")),
        sa.CheckConstraint("credited >= 0", name=op.f("ck_payment_intents_credited_not_negative")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_payment_intents_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_intents")),
        sa.UniqueConstraint("provider", "external_id", name=op.f("uq_payment_intents_provider_external_id")),
        sa.UniqueConstraint("user_id", "idempotency_key", name=op.f("uq_payment_intents_user_id_idempotency_key")),
    )
    op.create_index(
        "ix_payment_intents_next_poll_at",
        "payment_intents",
        ["next_poll_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('confirming', 'created', 'pending', 'underpaid')"),
    )
    op.create_table(
        "ledger_rollups",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("legs", sa.BigInteger(), nullable=False),
        sa.Column("rolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_rollups_account_id_ledger_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_ledger_rollups")),
    )
    op.create_table(
        "payment_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('applied', 'ignored', 'unmatched')", name=op.f("ck_payment_events_outcome_known")
        ),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["payment_intents.id"], name=op.f("fk_payment_events_intent_id_payment_intents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_events")),
        sa.UniqueConstraint("provider", "external_id", name=op.f("uq_payment_events_provider_external_id")),
    )
    op.create_index("ix_payment_events_intent_id", "payment_events", ["intent_id"], unique=False)
    op.create_index(
        "ix_payment_events_unmatched",
        "payment_events",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("outcome = 'unmatched'"),
    )
    for statement in GUARDS:
        op.execute(statement)


def downgrade() -> None:
    """Down."""
    for statement in GUARDS_DOWN:
        op.execute(statement)
    op.drop_index(
        "ix_payment_events_unmatched", table_name="payment_events", postgresql_where=sa.text("outcome = 'unmatched'")
    )
    op.drop_index("ix_payment_events_intent_id", table_name="payment_events")
    op.drop_table("payment_events")
    op.drop_table("ledger_rollups")
    op.drop_index(
        "ix_payment_intents_next_poll_at",
        table_name="payment_intents",
        postgresql_where=sa.text("status IN ('confirming', 'created', 'pending', 'underpaid')"),
    )
    op.drop_table("payment_intents")
    op.drop_index("uq_ledger_legs_history", table_name="ledger_legs", postgresql_where=sa.text("seq IS NOT NULL"))
    op.drop_table("ledger_legs")
    op.drop_index(
        "uq_ledger_accounts_user", table_name="ledger_accounts", postgresql_where=sa.text("user_id IS NOT NULL")
    )
    op.drop_index("uq_ledger_accounts_house", table_name="ledger_accounts", postgresql_where=sa.text("user_id IS NULL"))
    op.drop_table("ledger_accounts")
    op.drop_table("ledger_waiting")
    op.drop_table("ledger_transfers")
