"""The SQL of a person's tickets for their timeline."""

from __future__ import annotations

from sqlalchemy import select

from backend.infra.timeline import Before, Entry, EntryKind, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.support.models import SupportTicket
from backend.support.types import ticket_number


async def list_tickets(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The person's newest tickets before a place, each with its present state."""
    place = SupportTicket.opened_at, SupportTicket.id
    statement = select(*place, SupportTicket.sequence, SupportTicket.state).where(SupportTicket.user_id == user_id)
    return [
        Entry(
            kind=EntryKind.TICKET,
            at=row.opened_at,
            id=row.id,
            state=row.state,
            number=ticket_number(row.sequence),
        )
        for row in await tx.execute(newest(statement, place, before, limit))
    ]
