"""The SQL of tickets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, func, insert, or_, select, tuple_, update

from backend.infra.short_numbers import list_numbered
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import Numbering, NumberPart, OrderId, UserId
from backend.support.models import SupportTicket
from backend.support.types import FirstAnswers, Ticket, TicketCounts, TicketFilter, TicketId, TicketState

_TICKET = SupportTicket.__table__.c
_ACTIVE = _TICKET.state != TicketState.CLOSED


class TicketKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of tickets ends."""

    since: datetime
    id: UUID


class LastTicket(msgspec.Struct, frozen=True):
    """A ticket with the id of its last message."""

    ticket: Ticket
    message_id: UUID | None


async def add(tx: Tx, user_id: UserId, state: TicketState) -> Ticket:
    """Open a ticket."""
    row = {"id": tx.new_id(), "user_id": user_id, "state": state.value, "state_since": tx.now, "opened_at": tx.now}
    asked = {"asked_at": tx.now if state is TicketState.OPEN else None}
    added = await tx.execute(insert(SupportTicket).values(**row, **asked).returning(*SupportTicket.__table__.columns))
    return _ticket(added.one())


async def find_active(tx: Tx, user_id: UserId) -> Ticket | None:
    """A person's ticket that is not closed; None where there is none."""
    row = (await tx.execute(_all().where(_TICKET.user_id == user_id, _ACTIVE))).one_or_none()
    return _ticket(row) if row else None


async def find_latest(tx: Tx, user_id: UserId, since: datetime) -> Ticket | None:
    """A person's latest ticket, unless it entered its state before ``since``; None for none."""
    statement = _all().where(_TICKET.user_id == user_id, _TICKET.state_since >= since)
    row = (await tx.execute(statement.order_by(_TICKET.opened_at.desc()).limit(1))).one_or_none()
    return _ticket(row) if row else None


async def get(tx: Tx, ticket_id: TicketId, *, locked: bool = False) -> Ticket:
    """One ticket; ``locked``: nobody else changes it before the transaction ends. Raises NotFound."""
    statement = _all().where(_TICKET.id == ticket_id)
    row = (await tx.execute(statement.with_for_update() if locked else statement)).one_or_none()
    if row is None:
        raise NotFound(f"ticket {ticket_id}")
    return _ticket(row)


async def change(tx: Tx, ticket_id: TicketId, values: dict[str, Any]) -> None:
    """Change some columns of a ticket."""
    await tx.execute(update(SupportTicket).where(_TICKET.id == ticket_id).values(**values))


async def ask_rating(tx: Tx, ticket_id: TicketId) -> bool:
    """Note that the customer is asked for a rating; False when they were asked before."""
    asked = update(SupportTicket).where(_TICKET.id == ticket_id, ~_TICKET.rating_asked).values(rating_asked=True)
    return (await tx.execute(asked.returning(_TICKET.id))).one_or_none() is not None


async def rate(tx: Tx, ticket_id: TicketId, user_id: UserId, stars: int) -> bool:
    """Store the customer's rating of their ticket; False for one that is rated, and for another person's."""
    theirs = update(SupportTicket).where(_TICKET.id == ticket_id, _TICKET.user_id == user_id, _TICKET.rating.is_(None))
    return (await tx.execute(theirs.values(rating=stars).returning(_TICKET.id))).one_or_none() is not None


async def list_page(
    tx: Tx, chosen: TicketFilter, admin_id: UserId, after: TicketKey | None, limit: int
) -> list[LastTicket]:
    """Tickets, those first that are in their state for longest; closed ones, the latest first."""
    statement = _all()
    if chosen is TicketFilter.MINE:
        statement = statement.where(_TICKET.assignee_id == admin_id, _ACTIVE)
    else:
        statement = statement.where(_TICKET.state == chosen.value)
    key = tuple_(_TICKET.state_since, _TICKET.id)
    newest_first = chosen is TicketFilter.CLOSED
    if after is not None:
        there = (after.since, after.id)
        statement = statement.where(key < there if newest_first else key > there)
    by = (_TICKET.state_since, _TICKET.id)
    rows = await tx.execute(statement.order_by(*(c.desc() if newest_first else c for c in by)).limit(limit))
    return [LastTicket(_ticket(row), row.last_message_id) for row in rows]


async def list_of_person(tx: Tx, user_id: UserId, limit: int) -> list[LastTicket]:
    """A person's tickets, the latest first."""
    rows = await tx.execute(_all().where(_TICKET.user_id == user_id).order_by(_TICKET.opened_at.desc()).limit(limit))
    return [LastTicket(_ticket(row), row.last_message_id) for row in rows]


async def list_named(
    tx: Tx, sequence: int | None, part: NumberPart | None, people: Sequence[UserId], limit: int
) -> list[LastTicket]:
    """The latest tickets of this number, with these signs in it, or of these people."""
    ids: Sequence[UUID] = []
    if part is not None:
        ids = await list_numbered(tx, SupportTicket.__tablename__, "sequence", Numbering.TICKETS, part, limit)
    meant = or_(_TICKET.sequence == sequence, _TICKET.id.in_(ids), _TICKET.user_id.in_(people))
    rows = await tx.execute(_all().where(meant).order_by(_TICKET.opened_at.desc()).limit(limit))
    return [LastTicket(_ticket(row), row.last_message_id) for row in rows]


async def count(tx: Tx, admin_id: UserId | None) -> TicketCounts:
    """How many tickets there are that are not closed."""
    is_open = _TICKET.state == TicketState.OPEN
    statement = select(
        func.count().filter(is_open).label("open"),
        func.count().filter(_TICKET.assignee_id == admin_id).label("mine"),
        func.count().filter(_TICKET.state == TicketState.WAITING).label("waiting"),
        func.min(_TICKET.state_since).filter(is_open).label("oldest"),
    ).where(_ACTIVE)
    row = (await tx.execute(statement)).one()
    return TicketCounts(row.open, row.mine, row.waiting, row.oldest)


async def first_answers(tx: Tx, since: datetime) -> FirstAnswers:
    """How fast tickets were first answered since a moment, and how they were rated."""
    took = _TICKET.answered_at - _TICKET.asked_at
    statement = select(
        func.count().label("answered"),
        func.percentile_cont(0.5).within_group(took).label("median"),
        func.count(_TICKET.rating).label("rated"),
        func.avg(_TICKET.rating).label("rating"),
    ).where(_TICKET.answered_at >= since)
    row = (await tx.execute(statement)).one()
    rating = float(row.rating) if row.rating is not None else None
    return FirstAnswers(row.answered, row.median, row.rated, rating)


def _all() -> Select[Any]:
    return select(SupportTicket.__table__)


def _ticket(row: Row[Any]) -> Ticket:
    return Ticket(
        id=TicketId(row.id),
        sequence=row.sequence,
        user_id=UserId(row.user_id),
        state=TicketState(row.state),
        state_since=row.state_since,
        opened_at=row.opened_at,
        assignee_id=UserId(row.assignee_id) if row.assignee_id else None,
        order_id=OrderId(row.order_id) if row.order_id else None,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        rating=row.rating,
    )
