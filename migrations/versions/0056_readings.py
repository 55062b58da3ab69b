"""The reading room: spreads, draws, answers, free cards, packages of credits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0056"
down_revision = "0048"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_FIXED = """CREATE FUNCTION reading_versions_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is never changed: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$"""
_VERSIONS = """CREATE TRIGGER reading_spread_versions_fixed BEFORE UPDATE OR DELETE ON reading_spread_versions
  FOR EACH STATEMENT EXECUTE FUNCTION reading_versions_fixed()"""
# What was committed to, and when, is what everybody was shown.
_COMMITMENTS = """CREATE TRIGGER readings_commitment_fixed BEFORE UPDATE ON readings FOR EACH ROW WHEN (
  (OLD.commitment, OLD.committed_at, OLD.spread_id, OLD.spread_version, OLD.deck_version, OLD.algorithm)
    IS DISTINCT FROM
  (NEW.commitment, NEW.committed_at, NEW.spread_id, NEW.spread_version, NEW.deck_version, NEW.algorithm)
) EXECUTE FUNCTION reading_versions_fixed()"""


def upgrade() -> None:
    """Up."""
    op.create_table(
        "reading_spreads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", _AT, nullable=False),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND char_length(slug) <= 40",
            name=op.f("ck_reading_spreads_slug_of_its_signs"),
        ),
        sa.CheckConstraint("credits BETWEEN 0 AND 1000", name=op.f("ck_reading_spreads_credits_in_range")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_reading_spreads_version_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_spreads")),
        sa.UniqueConstraint("slug", name=op.f("uq_reading_spreads_slug")),
    )
    op.create_table(
        "reading_spread_versions",
        sa.Column("spread_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_reading_spread_versions_made_by_users")),
        sa.ForeignKeyConstraint(
            ["spread_id"], ["reading_spreads.id"], name=op.f("fk_reading_spread_versions_spread_id_reading_spreads")
        ),
        sa.PrimaryKeyConstraint("spread_id", "version", name=op.f("pk_reading_spread_versions")),
    )
    op.create_table(
        "reading_keys",
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reading_keys_user_id_users")),
        sa.PrimaryKeyConstraint("data_key_id", name=op.f("pk_reading_keys")),
    )
    op.create_index("ix_reading_keys_user_id", "reading_keys", ["user_id", "data_key_id"])
    op.create_table(
        "readings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("spread_id", sa.Uuid(), nullable=False),
        sa.Column("spread_version", sa.BigInteger(), nullable=False),
        sa.Column("deck_version", sa.BigInteger(), nullable=False),
        sa.Column("algorithm", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=True),
        sa.Column("client_seed", sa.Text(), nullable=True),
        sa.Column("reversed_cards", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("cards", postgresql.JSONB(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("committed_at", _AT, nullable=False),
        sa.Column("asked_at", _AT, nullable=True),
        sa.Column("revealed_at", _AT, nullable=True),
        sa.Column("deleted_at", _AT, nullable=True),
        sa.CheckConstraint(
            "(state = 'drawn') = (asked_at IS NOT NULL) AND (state = 'drawn') = (cards IS NOT NULL) AND (state = 'drawn') = (client_seed IS NOT NULL) AND (state <> 'drawn' OR seed IS NOT NULL)",
            name=op.f("ck_readings_drawn_whole"),
        ),
        sa.CheckConstraint("state <> 'committed' OR seed IS NULL", name=op.f("ck_readings_sealed_until_drawn")),
        sa.CheckConstraint("state IN ('committed', 'drawn', 'abandoned')", name=op.f("ck_readings_state_known")),
        sa.CheckConstraint("(seed IS NULL) = (revealed_at IS NULL)", name=op.f("ck_readings_revealed_with_its_seed")),
        sa.CheckConstraint("octet_length(commitment) = 32", name=op.f("ck_readings_commitment_whole")),
        sa.CheckConstraint("octet_length(seed) = 64", name=op.f("ck_readings_seed_whole")),
        sa.ForeignKeyConstraint(
            ["spread_id", "spread_version"],
            ["reading_spread_versions.spread_id", "reading_spread_versions.version"],
            name=op.f("fk_readings_spread_id_spread_version_reading_spread_versions"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_readings_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readings")),
    )
    op.create_index(
        "ix_readings_committed_at", "readings", ["committed_at"], postgresql_where=sa.text("state = 'committed'")
    )
    op.create_index("ix_readings_spread_id", "readings", ["spread_id", "spread_version"])
    op.create_index("ix_readings_user_id", "readings", ["user_id", "id"])
    op.create_index(
        "uq_readings_committed",
        "readings",
        ["user_id", "spread_id", "free"],
        unique=True,
        postgresql_where=sa.text("state = 'committed'"),
    )
    op.create_table(
        "reading_answers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("spread_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", _AT, nullable=False),
        sa.Column("started_at", _AT, nullable=True),
        sa.Column("finished_at", _AT, nullable=True),
        sa.Column("lease_until", _AT, nullable=False),
        sa.Column("worker", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("prompt_version", sa.BigInteger(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_word_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'complete') = (source IS NOT NULL)", name=op.f("ck_reading_answers_complete_by_somebody")
        ),
        sa.CheckConstraint(
            "(status IN ('waiting', 'running')) = (finished_at IS NULL)",
            name=op.f("ck_reading_answers_finished_when_not_live"),
        ),
        sa.CheckConstraint(
            "status <> 'failed' OR failure IS NOT NULL", name=op.f("ck_reading_answers_failed_for_a_reason")
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'running', 'complete', 'failed', 'stopped')",
            name=op.f("ck_reading_answers_status_known"),
        ),
        sa.CheckConstraint(
            "number >= 0 AND attempt >= 1 AND credits >= 0", name=op.f("ck_reading_answers_numbers_positive")
        ),
        sa.ForeignKeyConstraint(["reading_id"], ["readings.id"], name=op.f("fk_reading_answers_reading_id_readings")),
        sa.ForeignKeyConstraint(
            ["spread_id"], ["reading_spreads.id"], name=op.f("fk_reading_answers_spread_id_reading_spreads")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reading_answers_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_answers")),
    )
    op.create_index(
        "ix_reading_answers_lease_until",
        "reading_answers",
        ["lease_until"],
        postgresql_where=sa.text("status IN ('waiting', 'running')"),
    )
    op.create_index("ix_reading_answers_spread_id", "reading_answers", ["spread_id", "asked_at"])
    op.create_index(
        "uq_reading_answers_live",
        "reading_answers",
        ["user_id", "spread_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('waiting', 'running')"),
    )
    op.create_index("uq_reading_answers_number", "reading_answers", ["reading_id", "number"], unique=True)
    op.create_table(
        "reading_failures",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("spread_id", sa.Uuid(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("failed_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["reading_answers.id"], name=op.f("fk_reading_failures_answer_id_reading_answers")
        ),
        sa.ForeignKeyConstraint(
            ["spread_id"], ["reading_spreads.id"], name=op.f("fk_reading_failures_spread_id_reading_spreads")
        ),
        sa.PrimaryKeyConstraint("answer_id", "attempt", name=op.f("pk_reading_failures")),
    )
    op.create_index("ix_reading_failures_spread_id", "reading_failures", ["spread_id", "failed_at"])
    op.create_table(
        "free_cards",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("turned_at", _AT, nullable=False),
        sa.Column("next_at", _AT, nullable=False),
        sa.CheckConstraint("turned_at < next_at", name=op.f("ck_free_cards_apart")),
        sa.ForeignKeyConstraint(["reading_id"], ["readings.id"], name=op.f("fk_free_cards_reading_id_readings")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_free_cards_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "local_date", name=op.f("pk_free_cards")),
    )
    op.create_index("ix_free_cards_reading_id", "free_cards", ["reading_id"])
    op.create_table(
        "credit_packages",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("credits BETWEEN 1 AND 100000", name=op.f("ck_credit_packages_credits_in_range")),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.id"], name=op.f("fk_credit_packages_variant_id_variants")),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_credit_packages")),
    )
    op.create_table(
        "credit_lots",
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved_at", _AT, nullable=False),
        sa.Column("given_at", _AT, nullable=True),
        sa.CheckConstraint(
            "credits > 0 AND taken BETWEEN 0 AND credits", name=op.f("ck_credit_lots_taken_of_what_was_given")
        ),
        sa.CheckConstraint("given_at IS NOT NULL OR taken = 0", name=op.f("ck_credit_lots_taken_after_given")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_credit_lots_user_id_users")),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_credit_lots")),
    )
    op.create_index("ix_credit_lots_user_id", "credit_lots", ["user_id", "given_at"])
    op.execute(_FIXED)
    op.execute(_VERSIONS)
    op.execute(_COMMITMENTS)


def downgrade() -> None:
    """Down."""
    op.drop_table("credit_lots")
    op.drop_table("credit_packages")
    op.drop_table("free_cards")
    op.drop_table("reading_failures")
    op.drop_table("reading_answers")
    op.drop_table("readings")
    op.drop_table("reading_keys")
    op.drop_table("reading_spread_versions")
    op.drop_table("reading_spreads")
    op.execute("DROP FUNCTION reading_versions_fixed()")
    # An older release cannot sell them.
    op.execute("UPDATE products SET hidden = true, listed = false, in_stock = false WHERE kind = 'credits'")
