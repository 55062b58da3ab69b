"""Tickets: the list, one conversation, its answers, who has it, and its end."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.support.types import (
    LONGEST_TEXT,
    TICKET_TOPIC,
    ReadyAnswerId,
    SupportMessageId,
    TicketFilter,
    TicketId,
)
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, replaced, say, to_app, to_sheet
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, live_url, nothing, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.core.tiles import hue_of, initial_of
from webapp.support.screens import tickets as present
from webapp.support.screens.tickets import TICKETS, AnswerField, Colleague, HandOverSheet, TextError, TicketView

SUPPORT: Final = requires(Permission.TICKETS)
WRITES: Final = [SUPPORT, limited(WRITE)]
_ONE: Final = TICKETS + "/{ticket_id:uuid}"


class TicketsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The filter and the page of the list."""

    view: TicketFilter = TicketFilter.OPEN
    cursor: Annotated[str, Meta(max_length=300)] = ""


class ThreadQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages are asked for: those before one."""

    before: UUID | None = None


class TypedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed before a ready answer was chosen."""

    text: Annotated[str, Meta(max_length=4 * LONGEST_TEXT)] = ""


class AnswerForm(msgspec.Struct, frozen=True, kw_only=True):
    """What an admin answers."""

    text: Annotated[str, Meta(max_length=4 * LONGEST_TEXT)] = ""
    intent: forms.IdempotencyKey


class HandOverForm(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets the ticket."""

    to: UUID | None = None


@get(TICKETS, name="admin:tickets", guards=[SUPPORT])
async def tickets(request: SoukRequest) -> Html:
    """Conversations, those first that wait for longest; a next page is rows only."""
    site, actor, query = site_of(request), request.user, forms.read_query(request, TicketsQuery)
    services = site.services.support.tickets
    listed = await services.list_page(actor, query.view, query.cursor or None)
    names = await site.services.identity.people.names_of(actor, present.people_of(listed.items))
    counts, figures = await services.counts(actor), await services.figures(actor)
    view = present.tickets_page(query.view, listed.items, counts, figures, names, actor, listed.next_cursor)
    if asked_for_more(request, query.cursor):
        return fragment(request, "support/admin/_rows.html", view)
    return manage_page(request, "support/admin/tickets.html", view, "tickets")


@get(_ONE, name="admin:ticket", guards=[SUPPORT])
async def ticket(request: SoukRequest, ticket_id: FromPath[UUID]) -> Html:
    """One conversation; its messages only for the element that shows them. Raises NotFound."""
    query = forms.read_query(request, ThreadQuery)
    if query.before is None and not asked_by(request, "thread"):
        return await ticket_page(request, TicketId(ticket_id))
    site, actor = site_of(request), request.user
    before = SupportMessageId(query.before) if query.before else None
    thread = await site.services.support.tickets.get(actor, TicketId(ticket_id), before)
    names = await site.services.identity.people.names_of(actor, {one.message.author_id for one in thread.messages})
    template = "support/admin/_bubbles.html" if before else "support/admin/_thread.html"
    return fragment(request, template, present.thread_view(thread, names))


@get(_ONE + "/ready/{ready_id:uuid}", name="admin:use-ready-answer", guards=[SUPPORT])
async def use_ready(request: SoukRequest, ticket_id: FromPath[UUID], ready_id: FromPath[UUID]) -> Html:
    """The answer's field with a ready answer after what was typed. Raises NotFound."""
    typed = forms.read_query(request, TypedQuery).text
    ready = site_of(request).services.support.ready
    text = await ready.fill_in(request.user, ReadyAnswerId(ready_id), TicketId(ticket_id))
    return fragment(request, "support/admin/_field.html", AnswerField(f"{typed}\n\n{text}" if typed else text))


@post(_ONE + "/answer", name="admin:answer-ticket", guards=WRITES, status_code=200)
async def answer(request: SoukRequest, ticket_id: FromPath[UUID]) -> Html:
    """Answer the customer. Raises NotFound, BotBlocked."""
    form = await forms.read_form(request, AnswerForm)
    service = site_of(request).services.support.tickets
    try:
        answered = await service.answer(request.user, TicketId(ticket_id), form.text, form.intent)
    except Invalid as refusal:
        error = cast(TextError, refusal.fields["text"])
        changes = {"typed": form.text, "text_error": error, "intent": form.intent}
        return await ticket_page(request, TicketId(ticket_id), status=FORM_ERROR, **changes)
    return await shown_ticket(request, answered, _("Answer sent"))


@post(_ONE + "/take", name="admin:take-ticket", guards=WRITES, status_code=200)
async def take(request: SoukRequest, ticket_id: FromPath[UUID]) -> Html:
    """Make the reader the one who answers it. Raises NotFound."""
    await site_of(request).services.support.tickets.take(request.user, TicketId(ticket_id))
    return await shown_ticket(request, TicketId(ticket_id), _("It's yours to answer"))


@get(_ONE + "/hand-over", name="admin:hand-over-sheet", guards=[SUPPORT])
async def hand_over_sheet(request: SoukRequest, ticket_id: FromPath[UUID]) -> Html:
    """The sheet that asks who gets the ticket. Raises NotFound."""
    return sheet(request, "support/admin/_hand_over.html", await _hand_over(request, TicketId(ticket_id)))


@post(_ONE + "/hand-over", name="admin:hand-over", guards=WRITES, status_code=200)
async def hand_over(request: SoukRequest, ticket_id: FromPath[UUID]) -> Html:
    """Give the ticket to another admin. Raises NotFound."""
    form = await forms.read_form(request, HandOverForm)
    try:
        if form.to is None:
            raise Invalid("nobody was chosen", fields={"to": "required"})
        await site_of(request).services.support.tickets.hand_over(request.user, TicketId(ticket_id), UserId(form.to))
    except Invalid:
        view = msgspec.structs.replace(await _hand_over(request, TicketId(ticket_id)), error=True)
        return to_sheet(fragment(request, "support/admin/_hand_over.html", view, status=FORM_ERROR))
    return await shown_ticket(request, TicketId(ticket_id), _("Handed over"))


@post(_ONE + "/close", name="admin:close-ticket", guards=WRITES, status_code=200)
async def close(request: SoukRequest, ticket_id: FromPath[UUID]) -> Html:
    """Close it; the first time, the customer is asked for a rating. Raises NotFound."""
    await site_of(request).services.support.tickets.close(request.user, TicketId(ticket_id))
    return await shown_ticket(request, TicketId(ticket_id), _("Ticket closed"))


@post(_ONE + "/reopen", name="admin:reopen-ticket", guards=WRITES, status_code=200)
async def reopen(request: SoukRequest, ticket_id: FromPath[UUID]) -> Html:
    """Open it again, or show the one that the customer has opened since. Raises NotFound."""
    opened = await site_of(request).services.support.tickets.reopen(request.user, TicketId(ticket_id))
    return await shown_ticket(request, opened, _("Ticket reopened"))


@post(_ONE + "/messages/{message_id:uuid}/show", name="admin:show-message", guards=WRITES, status_code=200)
async def show_message(request: SoukRequest, ticket_id: FromPath[UUID], message_id: FromPath[UUID]) -> Html:
    """Send a message with its photo or file to the reader's own chat. Raises NotFound."""
    service = site_of(request).services.support.tickets
    await service.show_in_chat(request.user, TicketId(ticket_id), SupportMessageId(message_id))
    return toast(nothing(request), site_of(request).viewer(request.user).words.gettext("Sent to your chat"))


async def shown_ticket(request: SoukRequest, ticket_id: TicketId, said: str) -> Html:
    """The page of a ticket that has changed, and what has."""
    shown = to_app(replaced(await ticket_page(request, ticket_id), f"{TICKETS}/{ticket_id}"))
    return say(request, shown, said)


async def ticket_page(request: SoukRequest, ticket_id: TicketId, *, status: int = 200, **changes: Any) -> Html:
    """The page of a ticket. Raises NotFound."""
    site, actor = site_of(request), request.user
    support = site.services.support
    thread = await support.tickets.get(actor, ticket_id)
    one = thread.ticket
    people = {one.user_id, *(item.message.author_id for item in thread.messages)}
    people |= {one.assignee_id} if one.assignee_id else set()
    names = await site.services.identity.people.names_of(actor, people)
    reach = await support.tickets.reach(actor, one.user_id)
    name = names.get(one.user_id) or "—"
    view = TicketView(
        id=str(one.id),
        number=one.number,
        state=one.state,
        since=one.state_since,
        thread=present.thread_view(thread, names),
        name=name,
        initial=initial_of(name),
        hue=hue_of(str(one.user_id)),
        language=reach.language.own_name,
        person_href=f"/admin/people/{one.user_id}" if actor.may(Permission.USERS) else "",
        order_number=thread.order_number or "",
        assignee=present.assignee(one, names),
        mine=one.assignee_id == actor.user_id,
        answered_in=present.answered_in(one),
        rating=one.rating,
        blocked_bot=reach.blocked_bot,
        ready=present.ready_chips(await support.ready.list_all(actor), one.id),
        intent=forms.new_intent(),
        live=live_url(request, f"{TICKET_TOPIC}:{one.id}"),
    )
    view = msgspec.structs.replace(view, **changes)
    return manage_page(request, "support/admin/ticket.html", view, "tickets", back=TICKETS, status=status)


async def _hand_over(request: SoukRequest, ticket_id: TicketId) -> HandOverSheet:
    site, actor = site_of(request), request.user
    support = site.services.support.tickets
    has = (await support.get(actor, ticket_id)).ticket.assignee_id
    able = [one for one in await support.colleagues(actor) if one != has]
    names = await site.services.identity.people.names_of(actor, able)
    rows = tuple(Colleague(str(one), names.get(one) or "—", False) for one in able)
    return HandOverSheet(f"{TICKETS}/{ticket_id}/hand-over", rows)


HANDLERS: Final = (
    tickets, ticket, use_ready, answer, take, hand_over_sheet, hand_over, close, reopen, show_message,
)  # fmt: skip
