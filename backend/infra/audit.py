"""The audit trail: what admins did, in the transaction that did it. Append-only, held by triggers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Index, LargeBinary, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra import origin, personal
from backend.infra.crypto import seal
from backend.infra.database import Model
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

AREA: Final = "split_part(action, '.', 1)"
"""SQL of what an action belongs to: ``users`` of ``users.blacklist``; written as the index has it."""


class AuditEntry(Model):
    """One action of one admin. ``actor_id`` is null for the system and has no foreign key: the trail outlives users.

    What an entry says of ``person_id`` is not in the clear: ``sealed`` holds its params, before and after under the
    person's data key (Content as JSON). ``via``, ``network`` and ``session_id`` are null in entries of before 0085.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_at", "at", "id"),
        Index("ix_audit_entries_subject", "subject", "at", "id"),
        Index("ix_audit_entries_actor_id", "actor_id", "at", "id"),
        Index("ix_audit_entries_action", "action", "at", "id"),
        Index("ix_audit_entries_area", text(AREA), "at", "id"),
        Index("ix_audit_entries_person_id", "person_id", "at", "id", postgresql_where=text("person_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    subject: Mapped[str]
    params: Mapped[dict[str, Any]]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    person_id: Mapped[UUID | None]
    """Whose data the entry has, if it has any."""
    data_key_id: Mapped[UUID | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    via: Mapped[str | None]
    network: Mapped[str | None]
    session_id: Mapped[UUID | None]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says beside who, when, which action and on what."""

    params: dict[str, Any] = {}
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the trail as it is read by its own slice; ``params`` is empty where they are sealed."""

    at: datetime
    actor_id: UserId | None
    """None for the system."""
    subject: str
    params: dict[str, Any]


_RECORD = insert(AuditEntry)
_SEALED: Final = Content()


async def record(
    tx: Tx,
    actor_id: UserId | None,
    action: str,
    subject: str,
    params: Mapping[str, Any] | None = None,
    *,
    person: UserId | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write that ``actor_id`` did ``action`` (``users.blacklist``) to ``subject`` (``user:<id>``); never a secret.

    With ``person``, params, ``before`` and ``after`` are sealed by that person's data key: for reasons, names, notes
    and whatever else says something of somebody. ``before`` and ``after`` are the changed fields and their values.
    From where it was done is ``origin.current()``.
    """
    content = Content(params=_plain(params) or {}, before=_plain(before), after=_plain(after))
    entry_id, where = tx.new_id(), origin.current()
    key_id, sealed = None, None
    if person is not None:
        if tx.ring is not None:
            key_id, key = await personal.key_of(tx, tx.ring, person)
            sealed = seal(key, msgspec.json.encode(content), context(entry_id, person))
        content = _SEALED
    row = {"id": entry_id, "at": tx.now, "actor_id": actor_id, "action": action, "subject": subject}
    row |= {"params": content.params, "before": content.before, "after": content.after}
    row |= {"person_id": person, "data_key_id": key_id, "sealed": sealed}
    row |= {
        "via": where.via if where else None,
        "network": where.network if where else None,
        "session_id": where.session_id if where else None,
    }
    await tx.execute(_RECORD, row)


def context(entry_id: UUID, person: UUID) -> bytes:
    """What a sealed entry is bound to: it cannot be opened as another entry's, or another person's."""
    return entry_id.bytes + person.bytes


def _plain(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Facts as JSON has them."""
    return None if facts is None else msgspec.to_builtins(dict(facts), str_keys=True, enc_hook=str)


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
