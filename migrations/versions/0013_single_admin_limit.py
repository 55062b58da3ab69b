"""One table for what admins make, in the place of deposits' own confirmations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# What counts, or waits, today: older rows tell nothing to the limit.
_FROM_DEPOSITS = """
INSERT INTO value_made (id, kind, subject, amount, currency, permission, user_id, reason, facts, made_by, approved_by,
                        asked_at, made_at)
SELECT id, 'deposit', intent_id::text, credit, currency, 'money', user_id, '',
       jsonb_build_object('received', received::text, 'asset', asset), confirmed_by, approved_by,
       confirmed_at, applied_at
FROM payment_confirmations
WHERE user_id <> confirmed_by AND user_id IS DISTINCT FROM approved_by
  AND (applied_at IS NULL OR applied_at > now() - interval '1 day')"""
_FROM_ADJUSTMENTS = """
INSERT INTO value_made (id, kind, subject, amount, currency, permission, user_id, reason, facts, made_by, approved_by,
                        asked_at, made_at)
SELECT id, 'adjustment', id::text, abs(amount), currency, 'money', user_id, reason,
       jsonb_build_object('way', CASE WHEN amount > 0 THEN 'credit' ELSE 'debit' END), asked_by, decided_by,
       created_at, decided_at
FROM wallet_adjustments
WHERE status <> 'refused' AND user_id <> asked_by AND user_id IS DISTINCT FROM decided_by
  AND (status = 'waiting' OR decided_at > now() - interval '1 day')"""
_FROM_VOUCHERS = """
INSERT INTO value_made (id, kind, subject, amount, currency, permission, user_id, reason, facts, made_by, asked_at,
                        made_at)
SELECT id, 'vouchers', id::text, amount * people * codes, currency, 'money', NULL, note, '{}', created_by,
       created_at, created_at
FROM voucher_batches WHERE created_at > now() - interval '1 day'"""
_TO_DEPOSITS = """
INSERT INTO payment_confirmations (id, intent_id, user_id, received, asset, credit, currency, confirmed_by, approved_by,
                                   confirmed_at, applied_at)
SELECT id, subject::uuid, user_id, (facts->>'received')::bigint, facts->>'asset', amount, currency, made_by,
       approved_by, asked_at, made_at
FROM value_made WHERE kind = 'deposit'"""


def upgrade() -> None:
    """Up."""
    op.create_table(
        "value_made",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("lone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_value_made_not_negative")),
        sa.CheckConstraint("made_by <> user_id OR lone", name=op.f("ck_value_made_not_for_oneself")),
        sa.CheckConstraint("approved_by <> made_by AND approved_by <> user_id", name=op.f("ck_value_made_two_people")),
        sa.CheckConstraint(
            "made_at IS NOT NULL OR (approved_by IS NULL AND NOT lone)", name=op.f("ck_value_made_waiting_is_open")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_value_made_user_id_users")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_value_made_made_by_users")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_value_made_approved_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_made")),
    )
    op.create_index(
        "uq_value_made_waiting", "value_made", ["kind", "subject"], unique=True,
        postgresql_where=sa.text("made_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_value_made_alone", "value_made", ["made_by", "made_at"], postgresql_where=sa.text("approved_by IS NULL")
    )
    op.execute(_FROM_DEPOSITS)
    op.execute(_FROM_ADJUSTMENTS)
    op.execute(_FROM_VOUCHERS)
    op.drop_table("payment_confirmations")
    # Their message has another name now; the page of approvals shows what they spoke of.
    op.execute("UPDATE notifications SET status = 'withheld' WHERE kind = 'adjustment_asked' AND status = 'pending'")
    op.execute("DELETE FROM outbox_jobs WHERE task = 'notifications.adjustment_asked'")


def downgrade() -> None:
    """Down."""
    op.create_table(
        "payment_confirmations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "approved_by IS DISTINCT FROM confirmed_by", name=op.f("ck_payment_confirmations_two_people")
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR applied_at IS NOT NULL", name=op.f("ck_payment_confirmations_approved_is_applied")
        ),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["payment_intents.id"], name=op.f("fk_payment_confirmations_intent_id_payment_intents")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_payment_confirmations_user_id_users")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["users.id"], name=op.f("fk_payment_confirmations_confirmed_by_users")
        ),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_payment_confirmations_approved_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_confirmations")),
    )
    op.create_index(
        "uq_payment_confirmations_waiting", "payment_confirmations", ["intent_id"], unique=True,
        postgresql_where=sa.text("applied_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_payment_confirmations_alone", "payment_confirmations", ["user_id", "confirmed_by", "confirmed_at"]
    )
    op.execute(_TO_DEPOSITS)
    op.drop_table("value_made")
