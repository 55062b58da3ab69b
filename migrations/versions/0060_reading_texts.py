"""The reading room: texts as they are written, prompts, calls of the model."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0060"
down_revision = "0057"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_PROMPTS = """CREATE TRIGGER reading_prompts_fixed BEFORE UPDATE OR DELETE ON reading_prompts
  FOR EACH STATEMENT EXECUTE FUNCTION reading_versions_fixed()"""


def upgrade() -> None:
    """Up."""
    op.create_table(
        "reading_chunks",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", _AT, nullable=False),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_reading_chunks_seq_positive")),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["reading_answers.id"], name=op.f("fk_reading_chunks_answer_id_reading_answers")
        ),
        sa.PrimaryKeyConstraint("answer_id", "attempt", "seq", name=op.f("pk_reading_chunks")),
    )
    op.create_index("ix_reading_chunks_written_at", "reading_chunks", ["written_at"])
    op.create_table(
        "reading_prompts",
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("version >= 1", name=op.f("ck_reading_prompts_version_positive")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_reading_prompts_made_by_users")),
        sa.PrimaryKeyConstraint("language", "version", name=op.f("pk_reading_prompts")),
    )
    op.execute(_PROMPTS)
    op.create_table(
        "reading_model_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("answer_id", sa.Uuid(), nullable=True),
        sa.Column("at", _AT, nullable=False),
        sa.Column("asked_model", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("first_word", sa.Double(), nullable=True),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["reading_answers.id"], name=op.f("fk_reading_model_calls_answer_id_reading_answers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_model_calls")),
    )
    op.create_index("ix_reading_model_calls_at", "reading_model_calls", ["at"])
    op.create_index("ix_reading_model_calls_asked_model", "reading_model_calls", ["asked_model", "at"])
    op.create_index("ix_reading_model_calls_answer_id", "reading_model_calls", ["answer_id"])


def downgrade() -> None:
    """Down."""
    op.drop_table("reading_model_calls")
    op.execute("DROP TRIGGER reading_prompts_fixed ON reading_prompts")
    op.drop_table("reading_prompts")
    op.drop_table("reading_chunks")
