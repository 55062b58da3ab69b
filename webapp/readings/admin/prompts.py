"""The interpreter in the back office: the model's state, a probe of it, and the prompts by which it is asked."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.infra.i18n import mark as _
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale
from backend.readings.errors import PromptChanged, PromptFaulty
from backend.readings.types.models import Prompt, PromptBody
from webapp.core import forms
from webapp.core.answers import overtaken, say
from webapp.core.fields import Fields
from webapp.core.responses import FORM_ERROR, Html, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.readings.admin.common import READINGS, ROOM, WRITES, room_page
from webapp.readings.screens import prompts as present
from webapp.readings.screens.prompts import InterpreterPage

PROMPTS: Final = ROOM + "/prompts"
_ONE: Final = PROMPTS + "/{language:str}"
_LARGEST_FORM: Final = 300_000
_DAYS: Final = 7
_PROBE_SECONDS: Final = 60
_TEXT: Final = Meta(max_length=20_000)


class PromptForm(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a prompt, made of ``version``."""

    version: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    system: Annotated[str, _TEXT] = ""
    cards: Annotated[str, _TEXT] = ""
    question: Annotated[str, _TEXT] = ""
    open_question: Annotated[str, _TEXT] = ""
    follow_up: Annotated[str, _TEXT] = ""


class RestoreForm(msgspec.Struct, frozen=True):
    """Which version is used again, and which one it replaces."""

    version: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    restored: Annotated[int, Meta(ge=0, le=1_000_000_000)]


class ProbeForm(msgspec.Struct, frozen=True):
    """In which language the model is asked."""

    language: Locale


@get(PROMPTS, name="admin:prompts", guards=[READINGS])
async def prompts(request: SoukRequest) -> Html:
    """The model's state, how its calls ended lately, and the prompt of each language."""
    services, actor = site_of(request).services.interpretation, request.user
    outcomes = await services.model.outcomes(actor, _DAYS)
    view = InterpreterPage(
        state=await services.model.state(actor),
        outcomes=present.outcome_rows(outcomes, actor.language),
        prompts=present.prompt_rows(await services.prompts.list_current(actor)),
    )
    return room_page(request, "prompts.html", view)


@post(PROMPTS + "/probe", name="admin:probe", guards=WRITES, status_code=200)
async def probe(request: SoukRequest) -> Html:
    """Ask the model a tiny question, and show all that came back."""
    form, model = await forms.read_form(request, ProbeForm), site_of(request).services.interpretation.model
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            result = await model.probe(request.user, form.language)
    except TimeoutError:
        result = None
    view = present.probe_sheet(result, request.user.language)
    return sheet(request, "readings/admin/_probe.html", view)


@get(_ONE, name="admin:prompt", guards=[READINGS])
async def prompt(request: SoukRequest, language: FromPath[str]) -> Html:
    """The editor of a language's prompt, with its versions. Raises NotFound."""
    return await _page(request, await _find(request, language))


@post(_ONE, name="admin:save-prompt", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def save(request: SoukRequest, language: FromPath[str]) -> Html:
    """Store a new version. Raises NotFound."""
    form, stored = await forms.read_form(request, PromptForm), await _find(request, language)
    body = PromptBody(**{name: getattr(form, name).replace("\r\n", "\n") for name in present.TEXTS})
    service = site_of(request).services.interpretation.prompts
    try:
        await service.change(request.user, language, form.version, body)
    except PromptFaulty as why:
        wrong = {name: str(code) for name, code in why.params.items()}
        return await _page(request, stored, present.prompt_form(body, form.version, wrong), status=FORM_ERROR)
    except PromptChanged as why:
        # What was typed stays, so that it can be compared.
        shown = await _page(request, stored, present.prompt_form(body, form.version), status=409)
        return overtaken(request, shown, why)
    return say(request, await _page(request, await _find(request, language)), _("Saved"))


@get(_ONE + "/versions/{version:int}", name="admin:prompt-version", guards=[READINGS])
async def version(request: SoukRequest, language: FromPath[str], version: FromPath[int]) -> Html:
    """An older version as it was. Raises NotFound."""
    current, older = await _find(request, language), await _version(request, language, version)
    view = present.version_sheet(older, current)
    return sheet(request, "readings/admin/_prompt_version.html", view)


@post(_ONE + "/restore", name="admin:restore-prompt", guards=WRITES, status_code=200)
async def restore(request: SoukRequest, language: FromPath[str]) -> Html:
    """Make a new version that is as an older one; version 0 is what came with Souk. Raises NotFound."""
    form = await forms.read_form(request, RestoreForm)
    older = await _version(request, language, form.restored)
    service = site_of(request).services.interpretation.prompts
    try:
        await service.change(request.user, language, form.version, older.body if form.restored else None)
    except PromptChanged as why:
        return overtaken(request, await _page(request, await _find(request, language), status=409), why)
    return say(request, await _page(request, await _find(request, language)), _("This version is used now"))


async def _find(request: SoukRequest, language: str) -> Prompt:
    return await site_of(request).services.interpretation.prompts.get(request.user, language)


async def _version(request: SoukRequest, language: str, number: int) -> Prompt:
    if number == 0:
        return await site_of(request).services.interpretation.prompts.original(request.user, language)
    for one in await site_of(request).services.interpretation.prompts.history(request.user, language):
        if one.version == number:
            return one
    raise NotFound("no such version of a prompt, or one that is too old")


async def _page(request: SoukRequest, stored: Prompt, form: Fields | None = None, *, status: int = 200) -> Html:
    services, actor = site_of(request).services, request.user
    history = await services.interpretation.prompts.history(actor, stored.language)
    names = await services.identity.people.names_of(actor, [one.changed_by for one in history if one.changed_by])
    view = present.prompt_page(stored, form, history, names)
    return room_page(request, "prompt.html", view, back=PROMPTS, status=status)


HANDLERS: Final = (prompts, probe, prompt, save, version, restore)
