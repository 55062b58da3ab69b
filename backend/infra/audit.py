"""The audit trail: what admins did, in the transaction that did it. Append-only, held by a trigger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Index, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


class AuditEntry(Model):
    """One action of one admin. ``actor_id`` is null for the system and has no foreign key: the trail outlives users."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_at", "at"),
        Index("ix_audit_entries_subject", "subject", "at"),
        Index("ix_audit_entries_actor_id", "actor_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    subject: Mapped[str]
    params: Mapped[dict[str, Any]]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the trail as it is read."""

    at: datetime
    actor_id: UserId | None
    """None for the system."""
    subject: str
    params: dict[str, Any]


_RECORD = insert(AuditEntry)


async def record(
    tx: Tx, actor_id: UserId | None, action: str, subject: str, params: Mapping[str, Any] | None = None
) -> None:
    """Write that ``actor_id`` did ``action`` (``users.blacklist``) to ``subject`` (``user:<id>``); never a secret."""
    row = {"id": tx.new_id(), "at": tx.now, "actor_id": actor_id, "action": action, "subject": subject}
    await tx.execute(_RECORD, {**row, "params": dict(params or {})})


async def list_entries(tx: Tx, action: str, *, subject: str | None = None, limit: int) -> list[Entry]:
    """The entries of one action, of one subject or of all, the latest first."""
    columns = (AuditEntry.at, AuditEntry.actor_id, AuditEntry.subject, AuditEntry.params)
    statement = select(*columns).where(AuditEntry.action == action)
    if subject is not None:
        statement = statement.where(AuditEntry.subject == subject)
    rows = await tx.execute(statement.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit))
    return [Entry(**row._mapping) for row in rows]


async def list_subjects(tx: Tx, action: str, subjects: Collection[str]) -> set[str]:
    """To which of the subjects the action was done."""
    statement = select(AuditEntry.subject).where(AuditEntry.subject.in_(subjects), AuditEntry.action == action)
    return set((await tx.execute(statement)).scalars())
