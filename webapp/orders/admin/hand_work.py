"""Admins prepare what is made by hand: the queue, taking a line, delivering and refusing it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, Final, cast
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.errors import WorkEnded, WorkRefunded, WorkTaken
from backend.catalog.types.hand_work import WorkView
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.ids import OrderLineId, UserId
from webapp.core import forms, uploads
from webapp.core.answers import overtaken, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.parts import Chip, ReasonSheet, address
from webapp.core.responses import FORM_ERROR, Html, pictures, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.core.uploads import LARGEST_FORM
from webapp.orders.screens import hand_work as present
from webapp.orders.screens.answers import AnsweredLine, answer_rows, short_answers
from webapp.orders.screens.hand_work import FieldError, HandOverSheet, WorkItemPage, WorkPage

_ORDERS = requires(Permission.ORDERS)
QUEUE: Final = "/admin/orders/work"
_ONE: Final = QUEUE + "/{line_id:uuid}"
_WRITES: Final = [_ORDERS, limited(WRITE)]


class TakeForm(msgspec.Struct, frozen=True):
    """``over``: the id of who the admin saw preparing it."""

    over: UUID | None = None


class QueueQuery(msgspec.Struct, frozen=True):
    """Whose work is shown."""

    view: WorkView = WorkView.ALL


class HandOverForm(msgspec.Struct, frozen=True):
    """Who gets a line."""

    to: UUID


class RefusalForm(msgspec.Struct, frozen=True):
    """Why it will not be delivered."""

    reason: Annotated[str, Meta(max_length=200)]


@get(QUEUE, name="admin:work", guards=[_ORDERS])
async def queue(request: SoukRequest) -> Html:
    """What is to be prepared, the soonest due first."""
    site, actor = site_of(request), request.user
    shown = forms.read_query(request, QueueQuery).view
    listed = await site.services.catalog.hand_work.list_open(actor, shown)
    owners = await site.services.orders.history.owners_of(actor, [work.line_id for work in listed])
    people = [*(owner.buyer_id for owner in owners.values()), *(work.taken_by for work in listed if work.taken_by)]
    names = await site.services.identity.people.names_of(actor, people)
    viewer, picture = site.viewer(actor), pictures(request)
    given = await site.services.orders.answers.of_lines(actor, [work.line_id for work in listed])
    rows = tuple(
        msgspec.structs.replace(
            present.row(work, owners.get(work.line_id), names, actor, viewer, picture),
            answers=short_answers(given.get(work.line_id, ()), actor.language),
        )
        for work in listed
    )
    views = tuple(
        Chip(address(QUEUE, view=None if view is WorkView.ALL else view), active=view is shown, key=view)
        for view in WorkView
    )
    page = WorkPage(rows, views, await site.services.catalog.hand_work.count(actor))
    return manage_page(request, "orders/admin/work.html", page, "orders", back="/admin/orders")


@get(_ONE, name="admin:work-item", guards=[_ORDERS])
async def work_item(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """One line. Raises NotFound."""
    return await _page(request, OrderLineId(line_id))


@post(_ONE + "/take", name="admin:take-work", guards=_WRITES, status_code=200)
async def take(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """Prepare a line, or take it over. Raises NotFound."""
    over = (await forms.read_form(request, TakeForm)).over
    work = site_of(request).services.catalog.hand_work
    taken = work.take(request.user, OrderLineId(line_id), over=UserId(over) if over else None)
    return await _done(request, line_id, taken, _("It's yours to prepare"))


@post(_ONE + "/back", name="admin:hand-back-work", guards=_WRITES, status_code=200)
async def hand_back(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """Leave a line to others. Raises NotFound."""
    work = site_of(request).services.catalog.hand_work
    return await _done(request, line_id, work.hand_back(request.user, OrderLineId(line_id)), _("Handed back"))


@get(_ONE + "/hand-over", name="admin:hand-over-work-sheet", guards=[_ORDERS])
async def hand_over_sheet(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """Ask who gets a line."""
    return await _who_gets(request, line_id)


@post(_ONE + "/hand-over", name="admin:hand-over-work", guards=_WRITES, status_code=200)
async def hand_over(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """Give a line to another admin, who is told so. Raises NotFound."""
    work = site_of(request).services.catalog.hand_work
    try:
        to = UserId((await forms.read_form(request, HandOverForm)).to)
        return await _done(request, line_id, work.hand_over(request.user, OrderLineId(line_id), to), _("Handed over"))
    except Invalid:
        return await _who_gets(request, line_id, error=True)


async def _who_gets(request: SoukRequest, line_id: UUID, *, error: bool = False) -> Html:
    admins = await site_of(request).services.catalog.hand_work.list_preparers(request.user)
    others = tuple((str(one), name or "—") for one, name in admins.items() if one != request.user.user_id)
    view = HandOverSheet(f"{QUEUE}/{line_id}/hand-over", others, error)
    return sheet(request, "orders/admin/_work_hand_over.html", view, status=FORM_ERROR if error else 200)


@post(_ONE + "/text", name="admin:deliver-text", guards=_WRITES, status_code=200)
async def deliver_text(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """Give a text to the buyer. Raises NotFound."""
    typed = (await forms.posted(request)).get("text", "")
    text = typed if isinstance(typed, str) else ""
    work = site_of(request).services.catalog.hand_work
    try:
        return await _done(request, line_id, work.deliver_text(request.user, OrderLineId(line_id), text), _DELIVERED)
    except Invalid as refusal:
        error = cast(FieldError, refusal.fields["text"])
        return await _page(request, OrderLineId(line_id), status=FORM_ERROR, typed=text, text_error=error)


@post(
    _ONE + "/file", name="admin:deliver-file", guards=_WRITES, status_code=200, request_max_body_size=LARGEST_FORM
)  # fmt: skip
async def deliver_file(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """Give a file to the buyer. Raises NotFound."""
    sent = await uploads.posted(request, "file")
    work = site_of(request).services.catalog.hand_work
    try:
        delivered = work.deliver_file(request.user, OrderLineId(line_id), sent.name, sent.data)
        return await _done(request, line_id, delivered, _DELIVERED)
    except Invalid as refusal:
        error = cast(FieldError, refusal.fields["file"])
        return await _page(request, OrderLineId(line_id), status=FORM_ERROR, file_error=error)


@get(_ONE + "/refuse", name="admin:refuse-work-sheet", guards=[_ORDERS])
async def refuse_sheet(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """Ask why a line is refused; the buyer sees the reason."""
    return sheet(request, "core/_reason.html", ReasonSheet("refuse_work", f"{QUEUE}/{line_id}/refuse"))


@post(_ONE + "/refuse", name="admin:refuse-work", guards=_WRITES, status_code=200)
async def refuse(request: SoukRequest, line_id: FromPath[UUID]) -> Html:
    """Say that a line will not be delivered; its money goes back. Raises NotFound."""
    try:
        form = await forms.read_form(request, RefusalForm)
    except Invalid:
        view = ReasonSheet("refuse_work", f"{QUEUE}/{line_id}/refuse", error=True)
        return sheet(request, "core/_reason.html", view, status=FORM_ERROR)
    work = site_of(request).services.catalog.hand_work
    refused = work.refuse(request.user, OrderLineId(line_id), form.reason)
    return await _done(request, line_id, refused, _("Refused and refunded"))


_DELIVERED: Final = _("Delivered")


async def _done(request: SoukRequest, line_id: UUID, what: Awaitable[None], said: str) -> Html:
    """The line after ``what``, which is ``said``; or as it is now, and why that could not be done."""
    try:
        await what
    except (WorkTaken, WorkEnded, WorkRefunded) as why:
        return overtaken(request, await _page(request, OrderLineId(line_id), status=409), why)
    return say(request, replaced(await _page(request, OrderLineId(line_id)), f"{QUEUE}/{line_id}"), said)


async def _page(request: SoukRequest, line_id: OrderLineId, *, status: int = 200, **changes: Any) -> Html:
    site, actor = site_of(request), request.user
    work = await site.services.catalog.hand_work.get(actor, line_id)
    owner = (await site.services.orders.history.owners_of(actor, [line_id])).get(line_id)
    people = [one for one in (owner and owner.buyer_id, work.taken_by, work.ended_by) if one]
    names = await site.services.identity.people.names_of(actor, people)
    shown = present.row(work, owner, names, actor, site.viewer(actor), pictures(request))
    given = answer_rows(await site.services.orders.answers.of_line(actor, line_id), actor.language)
    answered = (AnsweredLine("", given),) if given else ()
    view: WorkItemPage = msgspec.structs.replace(present.item(work, shown, names), answered=answered, **changes)
    return manage_page(request, "orders/admin/work_item.html", view, "orders", back=QUEUE, status=status)


HANDLERS: Final = (
    queue, work_item, take, hand_back, hand_over_sheet, hand_over, deliver_text, deliver_file, refuse_sheet, refuse,
)  # fmt: skip
