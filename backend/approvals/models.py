"""The table of value that admins gave to people."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class ValueMade(Model):
    """Value that an admin gave, or asked to give: ``made_at`` is null while it awaits a second admin.

    ``amount`` is in minor units of ``currency``. ``lone``: nobody else could have approved it. The checks enforce in
    the database that admins give nothing to themselves unless ``lone``, and approve nothing of their own.
    """

    __tablename__ = "value_made"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="not_negative"),
        CheckConstraint("made_by <> user_id OR lone", name="not_for_oneself"),
        CheckConstraint("approved_by <> made_by AND approved_by <> user_id", name="two_people"),
        CheckConstraint("made_at IS NOT NULL OR (approved_by IS NULL AND NOT lone)", name="waiting_is_open"),
        Index("uq_value_made_waiting", "kind", "subject", unique=True, postgresql_where=text("made_at IS NULL")),
        Index("ix_value_made_alone", "made_by", "made_at", postgresql_where=text("approved_by IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    permission: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str]
    facts: Mapped[dict[str, Any]]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    lone: Mapped[bool] = mapped_column(server_default=text("false"))
    asked_at: Mapped[datetime]
    made_at: Mapped[datetime | None]
