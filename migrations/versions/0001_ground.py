"""Jobs, timers, data keys, people, audit trail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GUARDS = (
    """CREATE FUNCTION users_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    root_change boolean := coalesce(current_setting('souk.root_change', true), '') = 'on';
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        IF EXISTS (SELECT 1 FROM users WHERE is_root) THEN
            RAISE EXCEPTION 'the root admin cannot be removed' USING ERRCODE = '23514', CONSTRAINT = 'users_root_guard';
        END IF;
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.is_root AND NOT root_change THEN
            RAISE EXCEPTION 'a root admin is made by ensure_root only' USING ERRCODE = '23514', CONSTRAINT = 'users_root_guard';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.is_root THEN
            RAISE EXCEPTION 'the root admin cannot be removed' USING ERRCODE = '23514', CONSTRAINT = 'users_root_guard';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.is_root IS DISTINCT FROM OLD.is_root AND NOT root_change THEN
        RAISE EXCEPTION 'the root flag is changed by ensure_root only' USING ERRCODE = '23514', CONSTRAINT = 'users_root_guard';
    END IF;
    IF NEW.is_root AND NEW.blacklisted_at IS NOT NULL THEN
        RAISE EXCEPTION 'the root admin cannot be blacklisted' USING ERRCODE = '23514', CONSTRAINT = 'users_root_guard';
    END IF;
    IF OLD.is_root AND (NEW.telegram_id <> OLD.telegram_id OR NEW.id <> OLD.id) THEN
        RAISE EXCEPTION 'the root admin cannot become somebody else' USING ERRCODE = '23514', CONSTRAINT = 'users_root_guard';
    END IF;
    IF OLD.is_root AND NEW.is_root AND NEW.permissions IS DISTINCT FROM OLD.permissions THEN
        RAISE EXCEPTION 'the root admin holds every permission' USING ERRCODE = '23514', CONSTRAINT = 'users_root_guard';
    END IF;
    IF (NEW.is_root, NEW.permissions, NEW.blacklisted_at) IS DISTINCT FROM (OLD.is_root, OLD.permissions, OLD.blacklisted_at) THEN
        NEW.role_version := OLD.role_version + 1;
    ELSIF NEW.role_version < OLD.role_version THEN
        NEW.role_version := OLD.role_version;
    END IF;
    RETURN NEW;
END $$""",
    """CREATE TRIGGER users_guard BEFORE INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION users_guard()""",
    """CREATE TRIGGER users_guard_truncate BEFORE TRUNCATE ON users FOR EACH STATEMENT EXECUTE FUNCTION users_guard()""",
    """CREATE FUNCTION users_root_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM users WHERE is_root) THEN
        RAISE EXCEPTION 'there must be a root admin' USING ERRCODE = '23514', CONSTRAINT = 'users_root_guard';
    END IF;
    RETURN NULL;
END $$""",
    """CREATE CONSTRAINT TRIGGER users_root_stays AFTER UPDATE OF is_root ON users DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.is_root AND NOT NEW.is_root) EXECUTE FUNCTION users_root_stays()""",
    """CREATE FUNCTION users_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('souk', 'identity:' || OLD.id);
    RETURN NULL;
END $$""",
    """CREATE TRIGGER users_notify_update AFTER UPDATE ON users FOR EACH ROW
    WHEN ((OLD.role_version, OLD.first_name, OLD.username, OLD.photo_url, OLD.language, OLD.timezone, OLD.is_reseller, OLD.is_premium, OLD.telegram_id)
        IS DISTINCT FROM
          (NEW.role_version, NEW.first_name, NEW.username, NEW.photo_url, NEW.language, NEW.timezone, NEW.is_reseller, NEW.is_premium, NEW.telegram_id))
    EXECUTE FUNCTION users_notify()""",
    """CREATE TRIGGER users_notify_delete AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION users_notify()""",
    """CREATE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = '23514', CONSTRAINT = 'audit_entries_append_only';
END $$""",
    """CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_append_only()""",
)

GUARDS_DOWN = (
    """DROP TRIGGER audit_entries_append_only ON audit_entries""",
    """DROP FUNCTION audit_entries_append_only()""",
    """DROP TRIGGER users_notify_delete ON users""",
    """DROP TRIGGER users_notify_update ON users""",
    """DROP FUNCTION users_notify()""",
    """DROP TRIGGER users_root_stays ON users""",
    """DROP FUNCTION users_root_stays()""",
    """DROP TRIGGER users_guard_truncate ON users""",
    """DROP TRIGGER users_guard ON users""",
    """DROP FUNCTION users_guard()""",
)


def upgrade() -> None:
    """Up."""
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_actor_id", "audit_entries", ["actor_id", "at"], unique=False)
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"], unique=False)
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject", "at"], unique=False)
    op.create_table(
        "cron_runs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cron_runs")),
    )
    op.create_table(
        "data_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
    )
    op.create_table(
        "outbox_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_jobs")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_outbox_jobs_unique_key")),
    )
    op.create_index(
        "ix_outbox_jobs_dead", "outbox_jobs", ["dead_at"], unique=False, postgresql_where=sa.text("dead_at IS NOT NULL")
    )
    op.create_index(
        "ix_outbox_jobs_done", "outbox_jobs", ["done_at"], unique=False, postgresql_where=sa.text("done_at IS NOT NULL")
    )
    op.create_index(
        "ix_outbox_jobs_due",
        "outbox_jobs",
        ["run_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("first_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("photo_url", sa.Text(), nullable=True),
        sa.Column("telegram_premium", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("language_code", sa.Text(), nullable=True),
        sa.Column("language_chosen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("timezone_chosen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("start_param", sa.Text(), nullable=True),
        sa.Column("is_root", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_reseller", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_premium", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("role_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("blacklisted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blacklist_reason", sa.Text(), nullable=True),
        sa.Column("bot_blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(blacklisted_at IS NULL) = (blacklist_reason IS NULL)", name=op.f("ck_users_blacklist_has_reason")
        ),
        sa.CheckConstraint("NOT (is_root AND blacklisted_at IS NOT NULL)", name=op.f("ck_users_root_not_blacklisted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("telegram_id", name=op.f("uq_users_telegram_id")),
    )
    op.create_index(
        "ix_users_admins", "users", ["id"], unique=False, postgresql_where=sa.text("is_root OR permissions <> '{}'")
    )
    op.create_index(
        "ix_users_username",
        "users",
        [sa.literal_column("lower(username)")],
        unique=False,
        postgresql_where=sa.text("username IS NOT NULL"),
    )
    op.create_index("uq_users_root", "users", ["is_root"], unique=True, postgresql_where=sa.text("is_root"))
    for statement in GUARDS:
        op.execute(statement)


def downgrade() -> None:
    """Down."""
    for statement in GUARDS_DOWN:
        op.execute(statement)
    op.drop_index("uq_users_root", table_name="users", postgresql_where=sa.text("is_root"))
    op.drop_index("ix_users_username", table_name="users", postgresql_where=sa.text("username IS NOT NULL"))
    op.drop_index("ix_users_admins", table_name="users", postgresql_where=sa.text("is_root OR permissions <> '{}'"))
    op.drop_table("users")
    op.drop_index(
        "ix_outbox_jobs_due", table_name="outbox_jobs", postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL")
    )
    op.drop_index("ix_outbox_jobs_done", table_name="outbox_jobs", postgresql_where=sa.text("done_at IS NOT NULL"))
    op.drop_index("ix_outbox_jobs_dead", table_name="outbox_jobs", postgresql_where=sa.text("dead_at IS NOT NULL"))
    op.drop_table("outbox_jobs")
    op.drop_table("data_keys")
    op.drop_table("cron_runs")
    op.drop_index("ix_audit_entries_subject", table_name="audit_entries")
    op.drop_index("ix_audit_entries_at", table_name="audit_entries")
    op.drop_index("ix_audit_entries_actor_id", table_name="audit_entries")
    op.drop_table("audit_entries")
