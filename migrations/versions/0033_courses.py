"""Courses: their tariffs, runs, lessons, who takes them and how far they are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_LIVE = sa.text("deleted_at IS NULL")


def _id(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=null, server_default=None if default is None else sa.text(default))


def _int(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=null, server_default=None if default is None else sa.text(default))


def _at(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, _AT, nullable=null)


def _flag(name: str, default: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=None if default is None else sa.text(default))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def upgrade() -> None:
    """Up."""
    op.create_table(
        "variant_places",
        _id("variant_id"),
        _int("remaining", null=True),
        _refers("variant_places", "variant_id", "variants"),
        _key("variant_places", "variant_id"),
    )
    _courses()
    _lessons()
    _students()
    _progress()


def _courses() -> None:
    op.create_table(
        "courses",
        _id("id"),
        _text("slug"),
        _id("product_id"),
        _text("state"),
        _text("mode"),
        _int("local_minute", default="600"),
        _int("interval_days", default="1"),
        _int("student_from", null=True),
        _int("student_to", null=True),
        _text("late_rule", default="'one_a_day'"),
        _text("timezone"),
        _int("digest_after_days", default="7"),
        _flag("new_lessons_after_completion", "false"),
        _at("created_at"),
        _check("courses", "slug_fits_a_link", "slug ~ '^[A-Za-z0-9_-]{1,40}$'"),
        _check("courses", "state_known", "state IN ('draft', 'published')"),
        _check("courses", "mode_known", "mode IN ('every_24h', 'local_hour', 'after_completion', 'cohort')"),
        _check("courses", "late_rule_known", "late_rule IN ('all_at_once', 'one_a_day', 'from_today')"),
        _check("courses", "minute_of_a_day", "local_minute BETWEEN 0 AND 1439"),
        _check("courses", "interval_positive", "interval_days >= 1"),
        _check("courses", "window_in_a_day", "student_from BETWEEN 0 AND 1439 AND student_to BETWEEN 0 AND 1439"),
        _check("courses", "window_has_two_ends", "(student_from IS NULL) = (student_to IS NULL)"),
        _check("courses", "digest_after_a_day", "digest_after_days >= 1"),
        _refers("courses", "product_id", "products"),
        _key("courses", "id"),
        _unique("courses", "slug"),
        _unique("courses", "product_id"),
    )
    op.create_table(
        "course_runs",
        _id("id"),
        _id("course_id"),
        _int("number"),
        sa.Column("starts_on", sa.Date(), nullable=True),
        _text("timezone", null=True),
        _at("opened_at"),
        _at("closed_at", null=True),
        _check("course_runs", "number_positive", "number >= 1"),
        _check("course_runs", "date_in_a_zone", "(starts_on IS NULL) = (timezone IS NULL)"),
        _refers("course_runs", "course_id", "courses"),
        _key("course_runs", "id"),
        _unique("course_runs", "course_id", "number"),
    )
    op.create_table(
        "course_tariffs",
        _id("id"),
        _id("course_id"),
        _id("variant_id"),
        _text("code"),
        _int("rank"),
        _int("feedback_hours", null=True),
        _flag("groups"),
        _flag("certificate"),
        _int("places", null=True),
        _id("run_id", null=True),
        _at("retired_at", null=True),
        _int("position"),
        _check("course_tariffs", "rank_positive", "rank >= 1"),
        _check("course_tariffs", "feedback_promised", "feedback_hours > 0"),
        _check("course_tariffs", "places_positive", "places > 0"),
        _refers("course_tariffs", "course_id", "courses"),
        _refers("course_tariffs", "variant_id", "variants"),
        _refers("course_tariffs", "run_id", "course_runs"),
        _key("course_tariffs", "id"),
        _unique("course_tariffs", "course_id", "code"),
        _unique("course_tariffs", "variant_id"),
    )
    op.create_index(
        "ix_course_tariffs_run_id", "course_tariffs", ["run_id"], postgresql_where=sa.text("run_id IS NOT NULL")
    )


def _lessons() -> None:
    op.create_table(
        "lessons",
        _id("id"),
        _id("course_id"),
        _text("slug"),
        _int("position"),
        _flag("required", "true"),
        _int("minutes", null=True),
        _at("publish_at", null=True),
        _at("deleted_at", null=True),
        _int("version", default="1"),
        _at("updated_at"),
        _check("lessons", "slug_fits_a_path", "slug ~ '^[A-Za-z0-9_-]{1,60}$'"),
        _check("lessons", "position_positive", "position >= 1"),
        _check("lessons", "minutes_positive", "minutes > 0"),
        _check("lessons", "version_positive", "version >= 1"),
        _refers("lessons", "course_id", "courses"),
        postgresql.ExcludeConstraint(
            (sa.column("course_id"), "="), (sa.column("position"), "="), using="btree", where=_LIVE,
            name="ex_lessons_position", deferrable=True, initially="DEFERRED",
        ),
        _key("lessons", "id"),
    )  # fmt: skip
    op.create_index("uq_lessons_slug", "lessons", ["course_id", "slug"], unique=True, postgresql_where=_LIVE)
    op.create_table(
        "lesson_texts",
        _id("lesson_id"),
        _text("locale"),
        _text("title"),
        _text("body"),
        _refers("lesson_texts", "lesson_id", "lessons"),
        _key("lesson_texts", "lesson_id", "locale"),
    )
    op.create_table(
        "lesson_media",
        _id("id"),
        _id("course_id"),
        _text("path"),
        _text("mime"),
        _int("size"),
        _text("sha256"),
        _text("stored"),
        _text("kind"),
        _int("width", null=True),
        _int("height", null=True),
        _int("duration", null=True),
        _text("telegram_file_id", null=True),
        _int("telegram_bot_id", null=True),
        _check("lesson_media", "kind_known", "kind IN ('picture', 'video', 'audio', 'file')"),
        _check("lesson_media", "size_not_negative", "size >= 0"),
        _check("lesson_media", "measures_positive", "width > 0 AND height > 0 AND duration >= 0"),
        _check("lesson_media", "file_of_a_bot", "(telegram_file_id IS NULL) = (telegram_bot_id IS NULL)"),
        _refers("lesson_media", "course_id", "courses"),
        _key("lesson_media", "id"),
        _unique("lesson_media", "course_id", "path"),
    )


def _students() -> None:
    op.create_table(
        "enrolments",
        _id("id"),
        _id("user_id"),
        _id("course_id"),
        _id("run_id"),
        _at("enrolled_at"),
        _at("started_at", null=True),
        _text("timezone", null=True),
        _int("local_minute", null=True),
        _int("shift_minutes", default="0"),
        _at("paused_at", null=True),
        _at("completed_at", null=True),
        _id("next_lesson_id", null=True),
        _at("next_due_at", null=True),
        sa.Column("due_rule", postgresql.JSONB(), nullable=True),
        _check("enrolments", "minute_of_a_day", "local_minute BETWEEN 0 AND 1439"),
        _check("enrolments", "due_with_a_lesson", "next_due_at IS NULL OR next_lesson_id IS NOT NULL"),
        _check("enrolments", "due_by_a_rule", "next_due_at IS NULL OR due_rule IS NOT NULL"),
        _refers("enrolments", "user_id", "users"),
        _refers("enrolments", "course_id", "courses"),
        _refers("enrolments", "run_id", "course_runs"),
        _refers("enrolments", "next_lesson_id", "lessons"),
        _key("enrolments", "id"),
        _unique("enrolments", "user_id", "run_id"),
    )
    op.create_index("ix_enrolments_user_id_course_id", "enrolments", ["user_id", "course_id"])
    op.create_index("ix_enrolments_course_id_id", "enrolments", ["course_id", "id"])
    op.create_index("ix_enrolments_run_id", "enrolments", ["run_id"])
    op.create_index(
        "ix_enrolments_next_due_at", "enrolments", ["next_due_at", "id"],
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_enrolments_next_lesson_id", "enrolments", ["next_lesson_id"],
        postgresql_where=sa.text("next_lesson_id IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "course_grants",
        _id("id"),
        _id("enrolment_id"),
        _id("tariff_id"),
        _text("source"),
        _id("order_line_id", null=True),
        _int("paid_amount"),
        _text("currency"),
        _id("granted_by", null=True),
        _at("granted_at"),
        _at("ended_at", null=True),
        _text("end_reason", null=True),
        _id("ended_by", null=True),
        _check("course_grants", "source_known", "source IN ('order_line', 'upgrade', 'gift')"),
        _check("course_grants", "bought_or_given", "(source = 'gift') = (order_line_id IS NULL)"),
        _check("course_grants", "given_by_somebody", "(source = 'gift') = (granted_by IS NOT NULL)"),
        _check("course_grants", "paid_not_negative", "paid_amount >= 0 AND (source <> 'gift' OR paid_amount = 0)"),
        _check("course_grants", "end_reason_known", "end_reason IN ('refunded', 'revoked')"),
        _check("course_grants", "ended_for_a_reason", "(ended_at IS NULL) = (end_reason IS NULL)"),
        _refers("course_grants", "enrolment_id", "enrolments"),
        _refers("course_grants", "tariff_id", "course_tariffs"),
        _refers("course_grants", "granted_by", "users"),
        _refers("course_grants", "ended_by", "users"),
        _key("course_grants", "id"),
        _unique("course_grants", "order_line_id"),
    )
    op.create_index("ix_course_grants_enrolment_id", "course_grants", ["enrolment_id"])
    op.create_index(
        "ix_course_grants_live", "course_grants", ["tariff_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "course_reservations",
        _id("order_line_id"),
        _id("tariff_id"),
        _id("user_id"),
        _at("reserved_at"),
        _refers("course_reservations", "tariff_id", "course_tariffs"),
        _refers("course_reservations", "user_id", "users"),
        _key("course_reservations", "order_line_id"),
    )
    op.create_index("ix_course_reservations_tariff_id", "course_reservations", ["tariff_id"])


def _progress() -> None:
    op.create_table(
        "lesson_deliveries",
        _id("enrolment_id"),
        _id("lesson_id"),
        _at("due_at"),
        _text("state"),
        _at("lease_until", null=True),
        _int("chat_id", null=True),
        _int("message_id", null=True),
        _int("lesson_version", null=True),
        _text("reason", null=True),
        _at("retry_at", null=True),
        _at("sent_at", null=True),
        _check("lesson_deliveries", "state_known", "state IN ('planned', 'claimed', 'sent', 'failed', 'skipped')"),
        _check("lesson_deliveries", "claimed_for_a_time", "(state = 'claimed') = (lease_until IS NOT NULL)"),
        _check("lesson_deliveries", "sent_at_a_time", "(state = 'sent') = (sent_at IS NOT NULL)"),
        _check(
            "lesson_deliveries", "not_sent_for_a_reason", "state NOT IN ('failed', 'skipped') OR reason IS NOT NULL"
        ),
        _refers("lesson_deliveries", "enrolment_id", "enrolments"),
        _refers("lesson_deliveries", "lesson_id", "lessons"),
        _key("lesson_deliveries", "enrolment_id", "lesson_id"),
    )
    op.create_index("ix_lesson_deliveries_lesson_id", "lesson_deliveries", ["lesson_id", "enrolment_id"])
    op.create_table(
        "lesson_progress",
        _id("enrolment_id"),
        _id("lesson_id"),
        _at("opened_at"),
        _at("completed_at", null=True),
        _int("place", default="0"),
        _check("lesson_progress", "place_not_negative", "place >= 0"),
        _refers("lesson_progress", "enrolment_id", "enrolments"),
        _refers("lesson_progress", "lesson_id", "lessons"),
        _key("lesson_progress", "enrolment_id", "lesson_id"),
    )
    op.create_index("ix_lesson_progress_lesson_id", "lesson_progress", ["lesson_id"])


def downgrade() -> None:
    """Down: products of courses stay in the catalogue, hidden, as nothing can deliver them."""
    op.execute("UPDATE products SET hidden = true, listed = false, in_stock = false WHERE kind = 'course'")
    for table in (
        "lesson_progress",
        "lesson_deliveries",
        "course_reservations",
        "course_grants",
        "enrolments",
        "lesson_media",
        "lesson_texts",
        "lessons",
        "course_tariffs",
        "course_runs",
        "courses",
        "variant_places",
    ):
        op.drop_table(table)
