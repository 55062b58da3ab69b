"""The table of people."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class User(Model):
    """A person whom the shop knows, or the root admin before their first contact (``seen_at`` is null).

    Triggers guard the root admin's row, increase ``role_version`` with every change of rights or block, and notify
    every process in the same transaction (``identity:<id>`` on channel ``souk``).
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("NOT (is_root AND blacklisted_at IS NOT NULL)", name="root_not_blacklisted"),
        CheckConstraint("(blacklisted_at IS NULL) = (blacklist_reason IS NULL)", name="blacklist_has_reason"),
        CheckConstraint("blocked_until IS NULL OR blacklisted_at < blocked_until", name="block_ends_after_it_began"),
        Index("uq_users_root", "is_root", unique=True, postgresql_where=text("is_root")),
        Index("ix_users_created_at", "created_at"),
        Index("ix_users_admins", "id", postgresql_where=text("is_root OR permissions <> '{}'")),
        Index("ix_users_username", text("lower(username)"), postgresql_where=text("username IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    telegram_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    first_name: Mapped[str] = mapped_column(server_default=text("''"))
    last_name: Mapped[str | None]
    username: Mapped[str | None]
    photo_url: Mapped[str | None]
    telegram_premium: Mapped[bool] = mapped_column(server_default=text("false"))
    language: Mapped[str]
    language_code: Mapped[str | None]
    """The language tag that Telegram reports; null until it has reported one."""
    language_chosen: Mapped[bool] = mapped_column(server_default=text("false"))
    timezone: Mapped[str | None]
    """The device's time zone at the latest login, until the person has chosen one."""
    timezone_chosen: Mapped[bool] = mapped_column(server_default=text("false"))
    start_param: Mapped[str | None]
    is_root: Mapped[bool] = mapped_column(server_default=text("false"))
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    is_reseller: Mapped[bool] = mapped_column(server_default=text("false"))
    is_premium: Mapped[bool] = mapped_column(server_default=text("false"))
    """Premium without an end, given by an admin; what has an end is in Premium."""
    role_version: Mapped[int] = mapped_column(server_default=text("1"))
    blacklisted_at: Mapped[datetime | None]
    blacklist_reason: Mapped[str | None]
    blocked_until: Mapped[datetime | None]
    """When the block ends by itself; null for one that lasts until an admin ends it."""
    bot_blocked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]


class PersonNote(Model):
    """What an admin noted about a person, sealed with the person's data key."""

    __tablename__ = "person_notes"
    __table_args__ = (
        UniqueConstraint("author_id", "idempotency_key"),
        Index("ix_person_notes_user_id", "user_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    idempotency_key: Mapped[str]
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]


class Premium(Model):
    """Until when a person is a premium member: ``until`` is ``months`` calendar months after ``started_at``.

    Growth sells and gives the months. Without any left a row stays, with ``until`` null: it is locked for each change.
    A trigger notifies every process of each change, as of a change of the person.
    """

    __tablename__ = "premium_periods"
    __table_args__ = (
        CheckConstraint("(months = 0) = (until IS NULL) AND months >= 0", name="until_with_months"),
        CheckConstraint("stage BETWEEN 0 AND 3", name="stage_known"),
        # Of those whose end is still to be told; the person whose turn is next comes first.
        Index("ix_premium_periods_until", "until", postgresql_where=text("until IS NOT NULL AND stage < 3")),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    started_at: Mapped[datetime]
    months: Mapped[int] = mapped_column(server_default=text("0"))
    until: Mapped[datetime | None]
    stage: Mapped[int] = mapped_column(server_default=text("0"))
    """How much of the end was told: nothing, that it comes, that it came, that the days of grace have ended."""


class LoginSession(Model):
    """A session that somebody has opened with one initData of Telegram; its id follows from that.

    A trigger notifies every process when it is ended (``session:<id>`` on channel ``souk``).
    """

    __tablename__ = "login_sessions"
    __table_args__ = (
        Index("ix_login_sessions_user_id", "user_id", "seen_at"),
        Index("ix_login_sessions_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    platform: Mapped[str]
    network: Mapped[str | None]
    """The network of the address, as in the audit trail."""
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    """Up to some minutes old."""
    ended_at: Mapped[datetime | None]
    """When somebody ended it; one that merely expired has none."""


class AdminInvitation(Model):
    """A link by which one person becomes an admin, within a day, if its author may still give these permissions."""

    __tablename__ = "admin_invitations"
    __table_args__ = (
        CheckConstraint(
            "(used_by IS NULL) = (used_at IS NULL) AND (used_at IS NULL OR revoked_at IS NULL)", name="closed_once"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    """SHA-256 of the token in the link, which is stored nowhere."""
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AdminRole(Model):
    """A set of permissions under a name. Nobody's rights refer to it: it only fills the switches."""

    __tablename__ = "admin_roles"
    __table_args__ = (
        CheckConstraint("char_length(name) BETWEEN 1 AND 40", name="name_short"),
        CheckConstraint("permissions <> '{}'", name="has_permissions"),
        Index("uq_admin_roles_name", text("lower(name)"), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Sorted, as an admin's are."""
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TrustedSeller(Model):
    """A person for whom the shop vouches on its public page, and what it says of them by language."""

    __tablename__ = "trusted_sellers"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    about: Mapped[dict[str, str]] = mapped_column(JSONB)
    position: Mapped[int]
    added_at: Mapped[datetime]
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
