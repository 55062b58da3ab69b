"""Support for customers: what they and the shop wrote, and a form to write."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

import msgspec
from litestar import get, post
from msgspec import Meta

from backend.infra.i18n import mark as _
from backend.infra.rate_limit import Limit
from backend.kernel.errors import Invalid
from backend.support.types import LONGEST_TEXT, TICKET_TOPIC
from webapp.core import forms
from webapp.core.answers import asked_by, say
from webapp.core.limits import limited
from webapp.core.responses import FORM_ERROR, Html, fragment, live_url, page
from webapp.core.site import SoukRequest, site_of
from webapp.support.screens.own import SUPPORT, own_support

WRITING: Final = Limit("support_page", times=30, seconds=600)


class SupportForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer writes."""

    text: Annotated[str, Meta(max_length=4 * LONGEST_TEXT)] = ""
    intent: forms.IdempotencyKey


@get(SUPPORT, name="support:own")
async def support(request: SoukRequest) -> Html:
    """The customer's conversation."""
    return await _page(request)


@post(SUPPORT, name="support:write", status_code=200, guards=[limited(WRITING)])
async def write(request: SoukRequest) -> Html:
    """Write to the shop."""
    form = await forms.read_form(request, SupportForm)
    try:
        await site_of(request).services.support.chat.write(request.user, form.text, form.intent)
    except Invalid as refusal:
        changes = {"typed": form.text, "text_error": cast(Any, refusal.fields["text"]), "intent": form.intent}
        return await _page(request, status=FORM_ERROR, **changes)
    return say(request, await _page(request), _("Message sent"))


async def _page(request: SoukRequest, *, status: int = 200, **changes: Any) -> Html:
    thread = await site_of(request).services.support.chat.own_thread(request.user)
    live = live_url(request, f"{TICKET_TOPIC}:{thread.ticket.id}") if thread else ""
    view = msgspec.structs.replace(own_support(thread, forms.new_intent()), live=live, **changes)
    if asked_by(request, "thread"):
        return fragment(request, "support/_own_thread.html", view)
    return page(request, "support/support.html", view, tab="me", back="/me", status=status)


HANDLERS: Final = (support, write)
