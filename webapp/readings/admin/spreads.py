"""Spreads in the back office: their order, the editor of one, and its preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.readings.errors import SpreadEdited, SpreadSlugTaken
from backend.readings.service import SpreadsService
from backend.readings.types import Spread, SpreadBody, SpreadId
from webapp.core import forms
from webapp.core.answers import overtaken, pushed, replaced, say
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.readings.admin.common import READINGS, ROOM, WRITES, room_page
from webapp.readings.screens import spreads as present
from webapp.readings.screens.spread_form import acted, blank_body, from_form, number_of, to_form
from webapp.readings.screens.spreads import SpreadsPage

SPREADS: Final = ROOM + "/spreads"
_NEW: Final = SPREADS + "/new"
_ONE: Final = SPREADS + "/{spread_id:uuid}"
_LARGEST_FORM: Final = 500_000
_NEW_VALUES: Final = {"credits": "1"}


class ActForm(msgspec.Struct, frozen=True):
    """The button of the form that was pressed."""

    act: Annotated[str, Meta(max_length=20)]


class MoveForm(msgspec.Struct, frozen=True):
    """Where a spread goes in the list."""

    to: Literal["up", "down"]


@get(SPREADS, name="admin:spreads", guards=[READINGS])
async def spreads(request: SoukRequest) -> Html:
    """Every spread in its order."""
    return await _list(request)


@post(_ONE + "/move", name="admin:move-spread", guards=WRITES, status_code=200)
async def move(request: SoukRequest, spread_id: FromPath[UUID]) -> Html:
    """Put a spread one place higher or lower. Raises NotFound."""
    form = await forms.read_form(request, MoveForm)
    await _service(request).move(request.user, SpreadId(spread_id), up=form.to == "up")
    return await _list(request)


@get(_NEW, name="admin:new-spread", guards=[READINGS])
async def new(request: SoukRequest) -> Html:
    """The editor of a new spread."""
    body = blank_body()
    return _page(request, None, body, {**_NEW_VALUES, **to_form(body)})


@post(SPREADS, name="admin:add-spread", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def add(request: SoukRequest) -> Html:
    """Add a spread, which stays hidden until it is shown."""
    values = await forms.posted(request)
    body, credits, slug = from_form(values), number_of(values.get("credits")), str(values.get("slug", "")).strip()
    try:
        spread = await _service(request).create(request.user, slug, credits, body)
    except Invalid as refusal:
        return _page(request, None, body, values, errors=dict(refusal.fields), status=FORM_ERROR)
    except SpreadSlugTaken:
        return _page(request, None, body, values, errors={"slug": "taken"}, status=FORM_ERROR)
    shown = pushed(_stored(request, spread), f"{SPREADS}/{spread.id}")
    return say(request, shown, _("Added. Show it when it's ready."))


@get(_ONE, name="admin:spread", guards=[READINGS])
async def editor(request: SoukRequest, spread_id: FromPath[UUID]) -> Html:
    """The editor of a spread. Raises NotFound."""
    return _stored(request, await _find(request, spread_id))


@post(_ONE, name="admin:save-spread", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def save(request: SoukRequest, spread_id: FromPath[UUID]) -> Html:
    """Store a new version, the price, and whether people see it; readings keep theirs. Raises NotFound."""
    stored, values = await _find(request, spread_id), await forms.posted(request)
    body, service = from_form(values), _service(request)
    offer = (number_of(values.get("credits")), values.get("shown_to_people") != "on")
    try:
        await service.save(request.user, stored.id, number_of(values.get("version")), body, *offer)
    except Invalid as refusal:
        return _page(request, stored, body, values, errors=dict(refusal.fields), status=FORM_ERROR)
    except SpreadEdited as why:
        # What was typed stays, so that it can be compared.
        return overtaken(request, _page(request, stored, body, values, status=409), why)
    return say(request, _stored(request, await _find(request, spread_id)), _("Saved"))


@post(_ONE + "/reset", name="admin:reset-spread", guards=WRITES, status_code=200)
async def reset(request: SoukRequest, spread_id: FromPath[UUID]) -> Html:
    """Make a built-in spread as it came with Souk. Raises NotFound."""
    version = number_of((await forms.posted(request)).get("version"))
    try:
        spread = await _service(request).reset(request.user, SpreadId(spread_id), version)
    except SpreadEdited as why:
        return overtaken(request, _stored(request, await _find(request, spread_id), status=409), why)
    return say(request, _stored(request, spread), _("Original texts are back"))


@post(SPREADS + "/form", name="admin:spread-form", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def act(request: SoukRequest) -> Html:
    """The positions after one was added, moved or removed; nothing is stored."""
    pressed, values = await forms.read_form(request, ActForm), await forms.posted(request)
    body = acted(from_form(values), pressed.act)
    view = present.spread_form(body, {**_texts(values), **to_form(body)}, SPREADS, request.user.language)
    return fragment(request, "readings/admin/_positions.html", view)


@post(SPREADS + "/preview", name="admin:preview", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def preview(request: SoukRequest) -> Html:
    """A spread as people would see it, as it is typed, with cards dealt for the look; nothing is stored."""
    values = await forms.posted(request)
    body, language = from_form(values), request.user.language
    try:
        dealt = _service(request).preview(request.user, body)
    except Invalid as refusal:
        texts = {**_texts(values), **to_form(body)}
        view = present.spread_form(body, texts, SPREADS, language, dict(refusal.fields))
        return say(request, fragment(request, "readings/admin/_positions.html", view), _("Some texts are missing"))
    view_of = present.preview_sheet(body, number_of(values.get("credits")), dealt, language)
    return sheet(request, "readings/admin/_preview.html", view_of)


def _service(request: SoukRequest) -> SpreadsService:
    return site_of(request).services.readings.spreads


async def _find(request: SoukRequest, spread_id: UUID) -> Spread:
    return await _service(request).get(request.user, SpreadId(spread_id))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """What was typed beside the positions, which are numbered otherwise now."""
    return {
        name: value for name, value in values.items() if isinstance(value, str) and not name.startswith("position_")
    }


async def _list(request: SoukRequest) -> Html:
    listed = await _service(request).list_all(request.user)
    view = SpreadsPage(present.spread_rows(listed, request.user.language))
    return room_page(request, "spreads.html", view)


def _stored(request: SoukRequest, spread: Spread, *, status: int = 200) -> Html:
    answer = _page(request, spread, spread.body, present.spread_values(spread), status=status)
    return replaced(answer, f"{SPREADS}/{spread.id}") if request.method == "POST" else answer


def _page(
    request: SoukRequest,
    spread: Spread | None,
    body: SpreadBody,
    values: Mapping[str, Any],
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Html:
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    form = present.spread_form(body, texts, SPREADS, request.user.language, errors)
    view = present.spread_editor(form, spread, request.user.language)
    return room_page(request, "spread.html", view, back=SPREADS, status=status)


HANDLERS: Final = (spreads, move, new, add, editor, save, reset, act, preview)
