"""Tickets: their list, one of them as a chat, who may get it, and the sheet that writes to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec

from backend.identity.types import Actor
from backend.kernel.ids import UserId
from backend.support.types import (
    LONGEST_TEXT,
    TEXT_KIND,
    Delivery,
    FirstAnswers,
    ReadyAnswer,
    Thread,
    ThreadMessage,
    Ticket,
    TicketCounts,
    TicketFilter,
    TicketRow,
    TicketState,
)
from webapp.core.parts import Chip, Hue, address
from webapp.core.tiles import hue_of, initial_of

TICKETS: Final = "/admin/tickets"
READY: Final = f"{TICKETS}/ready"
TextError = Literal["", "required", "too_long"]


class TicketCell(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket in a list; ``assignee`` is empty for nobody."""

    id: str
    number: str
    name: str
    initial: str
    hue: Hue
    text: str
    kind: str
    by_customer: bool
    state: TicketState
    since: datetime
    assignee: str
    mine: bool
    rating: int | None


class TicketsPage(msgspec.Struct, frozen=True, kw_only=True):
    """support/admin/tickets.html; support/admin/_rows.html takes the same for a next page."""

    filters: tuple[Chip, ...]
    chosen: TicketFilter
    rows: tuple[TicketCell, ...]
    answered: int
    median: timedelta | None
    rated: int
    rating: float | None
    next_url: str | None = None


class Bubble(msgspec.Struct, frozen=True, kw_only=True):
    """A message; ``media`` is what it is beside its text, ``show`` where it is sent to the reader's own chat."""

    id: str
    at: datetime
    name: str
    by_customer: bool
    text: str
    erased: bool
    media: str
    show: str
    delivery: Delivery | None


class ReadyChip(msgspec.Struct, frozen=True):
    """A ready answer that fills the form."""

    name: str
    href: str


class ThreadView(msgspec.Struct, frozen=True, kw_only=True):
    """support/admin/_thread.html: the messages of a ticket, the oldest first."""

    path: str
    name: str
    bubbles: tuple[Bubble, ...]
    earlier_url: str | None = None


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """support/admin/ticket.html: a conversation with the form that answers it; ``typed`` is what could not be sent."""

    id: str
    number: str
    state: TicketState
    since: datetime
    thread: ThreadView
    name: str
    initial: str
    hue: Hue
    language: str
    person_href: str
    """Empty for an admin who may not see people."""
    order_number: str
    assignee: str
    mine: bool
    answered_in: timedelta | None
    rating: int | None
    blocked_bot: bool
    ready: tuple[ReadyChip, ...]
    intent: str
    live: str
    typed: str = ""
    text_error: TextError = ""
    longest: int = LONGEST_TEXT

    @property
    def path(self) -> str:
        """Its address."""
        return f"{TICKETS}/{self.id}"


class AnswerField(msgspec.Struct, frozen=True):
    """support/admin/_field.html: the field in which an answer is written."""

    typed: str
    text_error: TextError = ""
    longest: int = LONGEST_TEXT


class Colleague(msgspec.Struct, frozen=True):
    """An admin who can get a ticket."""

    id: str
    name: str
    chosen: bool


class HandOverSheet(msgspec.Struct, frozen=True):
    """support/admin/_hand_over.html"""

    action: str
    colleagues: tuple[Colleague, ...]
    error: bool = False


class MessageSheet(msgspec.Struct, frozen=True, kw_only=True):
    """support/admin/_message.html: a message to a person; ``preview``: it is read once more before it is sent."""

    action: str
    name: str
    language: str
    blocked_bot: bool
    intent: str
    order: str = ""
    typed: str = ""
    text_error: TextError = ""
    preview: bool = False
    longest: int = LONGEST_TEXT


def tickets_page(
    chosen: TicketFilter,
    rows: Sequence[TicketRow],
    counts: TicketCounts,
    figures: FirstAnswers,
    names: Mapping[UserId, str],
    actor: Actor,
    next_cursor: str | None,
) -> TicketsPage:
    """A list of tickets, with how many each filter has."""
    many = {TicketFilter.OPEN: counts.open, TicketFilter.MINE: counts.mine, TicketFilter.WAITING: counts.waiting}
    return TicketsPage(
        filters=tuple(
            Chip(href=_list_href(one), active=one is chosen, key=one.value, label=str(many.get(one) or ""))
            for one in TicketFilter
        ),
        chosen=chosen,
        rows=tuple(ticket_cell(row, names, actor) for row in rows),
        answered=figures.answered,
        median=figures.median,
        rated=figures.rated,
        rating=figures.rating,
        next_url=_list_href(chosen, next_cursor) if next_cursor else None,
    )


def ticket_cell(row: TicketRow, names: Mapping[UserId, str], actor: Actor) -> TicketCell:
    """A ticket in a list."""
    ticket = row.ticket
    name = names.get(ticket.user_id) or "—"
    return TicketCell(
        id=str(ticket.id),
        number=ticket.number,
        name=name,
        initial=initial_of(name),
        hue=hue_of(str(ticket.user_id)),
        text=row.text,
        kind="" if row.kind == TEXT_KIND else row.kind,
        by_customer=row.by_customer,
        state=ticket.state,
        since=ticket.state_since,
        assignee=_assignee(ticket, names),
        mine=ticket.assignee_id == actor.user_id,
        rating=ticket.rating,
    )


def people_of(rows: Sequence[TicketRow]) -> set[UserId]:
    """Everybody whose name a list of tickets shows."""
    people = {row.ticket.user_id for row in rows}
    return people | {row.ticket.assignee_id for row in rows if row.ticket.assignee_id}


def thread_view(thread: Thread, names: Mapping[UserId, str]) -> ThreadView:
    """The messages of a ticket."""
    path = f"{TICKETS}/{thread.ticket.id}"
    return ThreadView(
        path=path,
        name=names.get(thread.ticket.user_id) or "—",
        bubbles=tuple(_bubble(one, names, path) for one in thread.messages),
        earlier_url=address(path, before=str(thread.earlier)) if thread.earlier else None,
    )


def answered_in(ticket: Ticket) -> timedelta | None:
    """How long the customer waited for the first answer; None before it."""
    if ticket.asked_at is None or ticket.answered_at is None:
        return None
    return ticket.answered_at - ticket.asked_at


def assignee(ticket: Ticket, names: Mapping[UserId, str]) -> str:
    """The name of who answers a ticket; empty for nobody."""
    return _assignee(ticket, names)


def ready_chips(answers: Sequence[ReadyAnswer], ticket_id: UUID) -> tuple[ReadyChip, ...]:
    """What fills the form of a ticket."""
    return tuple(ReadyChip(one.name, f"{TICKETS}/{ticket_id}/ready/{one.id}") for one in answers)


def _assignee(ticket: Ticket, names: Mapping[UserId, str]) -> str:
    return (names.get(ticket.assignee_id) or "—") if ticket.assignee_id else ""


def _bubble(one: ThreadMessage, names: Mapping[UserId, str], path: str) -> Bubble:
    message = one.message
    media = "" if message.kind == TEXT_KIND else message.kind
    return Bubble(
        id=str(message.id),
        at=one.at,
        name=names.get(message.author_id) or "—",
        by_customer=not message.is_answer,
        text=one.text or "",
        erased=one.text is None,
        media=media,
        show=f"{path}/messages/{message.id}/show" if media and message.chat_id is not None else "",
        delivery=message.delivery,
    )


def _list_href(chosen: TicketFilter, cursor: str | None = None) -> str:
    return address(TICKETS, view=chosen.value if chosen is not TicketFilter.OPEN else None, cursor=cursor)
