"""A message to a person: written, read once more, sent to their chat, and found in their ticket."""

from __future__ import annotations

from typing import Annotated, Final, cast
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.support.types import LONGEST_TEXT
from webapp.core import forms
from webapp.core.answers import to_sheet
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.support.admin.tickets import SUPPORT, WRITES, shown_ticket
from webapp.support.screens.tickets import MessageSheet, TextError

_PATH: Final = "/admin/people/{user_id:uuid}/message"
_SHEET: Final = "support/admin/_message.html"


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The order that a message is about, by its number."""

    order: Annotated[str, Meta(max_length=20)] = ""


class MessageForm(msgspec.Struct, frozen=True, kw_only=True):
    """A message; ``sure``: it was read once more, ``edit``: it is to be changed."""

    text: Annotated[str, Meta(max_length=4 * LONGEST_TEXT)] = ""
    order: Annotated[str, Meta(max_length=20)] = ""
    intent: forms.IdempotencyKey
    sure: bool = False
    edit: bool = False


@get(_PATH, name="admin:message-sheet", guards=[SUPPORT])
async def message_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """The sheet in which a message is written. Raises NotFound."""
    form = MessageForm(order=forms.read_query(request, MessageQuery).order, intent=forms.new_intent())
    return sheet(request, _SHEET, await _view(request, UserId(user_id), form))


@post(_PATH, name="admin:write-message", guards=WRITES, status_code=200)
async def write_message(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Show the message once more, then send it. Raises NotFound, BotBlocked."""
    form, person = await forms.read_form(request, MessageForm), UserId(user_id)
    service = site_of(request).services.support.tickets
    if form.edit:
        return sheet(request, _SHEET, await _view(request, person, form))
    try:
        if not form.sure:
            text = service.preview(request.user, form.text)
            view = msgspec.structs.replace(await _view(request, person, form), typed=text, preview=True)
            return sheet(request, _SHEET, view)
        ticket_id = await service.write(request.user, person, form.text, form.intent, form.order)
    except Invalid as refusal:
        error = cast(TextError, refusal.fields["text"])
        view = msgspec.structs.replace(await _view(request, person, form), text_error=error)
        return to_sheet(fragment(request, _SHEET, view, status=FORM_ERROR))
    return await shown_ticket(request, ticket_id, _("Message sent"))


async def _view(request: SoukRequest, person: UserId, form: MessageForm) -> MessageSheet:
    reach = await site_of(request).services.support.tickets.reach(request.user, person)
    return MessageSheet(
        action=f"/admin/people/{person}/message",
        name=reach.name,
        language=reach.language.own_name,
        blocked_bot=reach.blocked_bot,
        intent=form.intent,
        order=form.order,
        typed=form.text,
    )


HANDLERS: Final = (message_sheet, write_message)
