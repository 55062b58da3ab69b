"""The table of segments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
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
