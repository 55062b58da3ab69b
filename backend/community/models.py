"""Tables of groups, the plans that open them, and their people."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class CommunityGroup(Model):
    """A group or channel of Telegram that the bot is or was in."""

    __tablename__ = "community_groups"
    __table_args__ = (
        CheckConstraint("kind IN ('group', 'supergroup', 'channel')", name="kind_known"),
        CheckConstraint("bot IN ('admin', 'member', 'gone')", name="bot_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    """Another one after Telegram made a supergroup of the group."""
    kind: Mapped[str]
    title: Mapped[str]
    bot: Mapped[str]
    can_invite: Mapped[bool]
    can_remove: Mapped[bool]
    link: Mapped[str | None]
    link_checked_at: Mapped[datetime | None]
    members: Mapped[int | None]
    reported: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """The problems that admins were told last."""
    added_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    """The date of Telegram's last update about the bot here: an older one changes nothing."""
    checked_at: Mapped[datetime | None]
    """When a worker last began to compare it with Telegram."""


class GroupPlan(Model):
    """A plan that opens a group."""

    __tablename__ = "community_group_plans"
    __table_args__ = (Index("ix_community_group_plans_tariff_id", "tariff_id"),)

    group_id: Mapped[UUID] = mapped_column(ForeignKey("community_groups.id"), primary_key=True)
    tariff_id: Mapped[UUID] = mapped_column(ForeignKey("course_tariffs.id"), primary_key=True)
    linked_at: Mapped[datetime]
    linked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))


class GroupMember(Model):
    """A person of whom a group has heard, or who may join it; they need not be known to the shop."""

    __tablename__ = "community_members"
    __table_args__ = (
        CheckConstraint("state IN ('unknown', 'out', 'requested', 'in', 'admin', 'banned')", name="state_known"),
        Index("ix_community_members_telegram_id", "telegram_id"),
        Index("ix_community_members_checked_at", "checked_at"),
    )

    group_id: Mapped[UUID] = mapped_column(ForeignKey("community_groups.id"), primary_key=True)
    telegram_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(server_default=text("''"))
    """As Telegram last said it."""
    state: Mapped[str] = mapped_column(server_default=text("'unknown'"))
    student: Mapped[bool] = mapped_column(server_default=text("false"))
    by_hand: Mapped[bool] = mapped_column(server_default=text("false"))
    changed_at: Mapped[datetime | None]
    """The date of Telegram's last update about them here: an older one changes nothing."""
    requested_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    invited_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    """When Telegram was last asked about them, or is being asked."""
    retry_at: Mapped[datetime | None]
    """Until then the sweep leaves them to the job that it has started."""
    lease_until: Mapped[datetime | None]
    """A worker is calling Telegram about them."""
