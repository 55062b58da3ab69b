"""The table of segments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class SegmentRow(Model):
    """A filter of people under a name: its owner's, or ``shared`` among all admins who may see people."""

    __tablename__ = "segments"
    __table_args__ = (
        CheckConstraint("char_length(name) BETWEEN 1 AND 60", name="name_short"),
        Index("uq_segments_owner_id_name", "owner_id", text("lower(name)"), unique=True),
        Index("ix_segments_shared", "id", postgresql_where=text("shared")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    filter: Mapped[dict[str, Any]]
    """A PeopleFilter as JSON, without what is not asked for."""
    shared: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PeopleBulkRow(Model):
    """An action on many people, from its preview to its undo."""

    __tablename__ = "people_bulks"
    __table_args__ = (
        UniqueConstraint("created_by", "idempotency_key"),
        CheckConstraint("status IN ('draft', 'running', 'done', 'stopped', 'undoing', 'undone')", name="status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    undone_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str]
    status: Mapped[str]
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """PeopleTerms as JSON."""
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When the action ended; an undo does not change it."""


class PeopleBulkItemRow(Model):
    """One person of an action on many: what was planned, and what became of it, stored with what was done.

    ``refusal`` is why the action is not for them; ``outcome`` is null until their turn: done, failed, stopped;
    ``undo`` is what an undo did to one that is done: undone, untouched.
    """

    __tablename__ = "people_bulk_items"
    __table_args__ = (
        CheckConstraint("outcome IN ('done', 'failed', 'stopped')", name="outcome_known"),
        CheckConstraint("undo IN ('undone', 'untouched')", name="undo_known"),
        CheckConstraint("refusal IS NULL OR outcome IS NULL", name="refused_or_tried"),
        CheckConstraint("undo IS NULL OR outcome = 'done'", name="undone_is_done"),
        Index(
            "ix_people_bulk_items_left", "bulk_id", "user_id",
            postgresql_where=text("outcome IS NULL AND refusal IS NULL"),
        ),
        Index(
            "ix_people_bulk_items_to_undo", "bulk_id", "user_id",
            postgresql_where=text("outcome = 'done' AND undo IS NULL"),
        ),
    )  # fmt: skip

    bulk_id: Mapped[UUID] = mapped_column(ForeignKey("people_bulks.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    refusal: Mapped[str | None]
    outcome: Mapped[str | None]
    failure: Mapped[str | None]
    """The code of the error of a failed one, or of why an undo untouched it."""
    undo: Mapped[str | None]
    before_reason: Mapped[str | None]
    """Of the block that the action ended, as long as it can be undone."""
    before_until: Mapped[datetime | None]
