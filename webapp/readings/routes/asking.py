"""A question is asked: the page with its sealed cards, and the draw."""

from __future__ import annotations

import re
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.kernel.errors import Invalid, NotFound
from backend.readings.errors import NotEnoughCredits, ReadingChanged, ReadingLapsed, ReadingLive
from backend.readings.types import ReadingId
from webapp.core import forms
from webapp.core.answers import pushed, to_app
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, page, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.readings.routes.credits import short_sheet
from webapp.readings.routes.reading import LONGEST_TEXT, cards_answer
from webapp.readings.routes.room import Seed, home_answer
from webapp.readings.screens import ask as present
from webapp.readings.screens.ask import AskError

_ASKED: Final = re.compile(r"/readings/new/([a-z0-9-]{1,40})/?(?:[?#]|\Z)")


class AskForm(msgspec.Struct, frozen=True, kw_only=True):
    """A question; ``seed`` is what the reader's device adds to the shuffle, made at the tap."""

    reading: UUID
    seed: Seed = ""
    question: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""
    reversed: bool = False
    language: Annotated[str, Meta(max_length=8)] = "en"


@get("/readings/new/{slug:str}", name="readings:ask-page")
async def ask_page(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The question of a spread, whose cards are shuffled and sealed before. Raises NotFound."""
    return await show_ask_page(request, slug)


async def show_ask_page(
    request: SoukRequest, slug: str, form: AskForm | None = None, error: AskError = "", status: int = 200
) -> Html:
    """The page, with what was typed into it and what is wrong with that. Raises NotFound."""
    committed = await site_of(request).services.readings.asking.commit(request.user, slug)
    view = present.ask_page(committed, request.user.language)
    if form is not None:
        view = msgspec.structs.replace(
            view, question=form.question, reversed=form.reversed, language=form.language, error=error
        )
    return page(request, "readings/ask.html", view, tab="readings", back="/readings", status=status)


async def after_credits(request: SoukRequest) -> Html:
    """Where the reader goes on who has just bought credits: the question over which they did, or the reading room.

    The page's own script brings back what was typed: the question has not been on its way to us yet.
    """
    words = site_of(request).viewer(request.user).words
    asked = _ASKED.search(request.headers.get("hx-current-url", ""))
    try:
        answer = await show_ask_page(request, asked[1]) if asked else await home_answer(request)
    except NotFound:  # the spread is gone since
        asked, answer = None, await home_answer(request)
    path = f"/readings/new/{asked[1]}" if asked else "/readings"
    return toast(pushed(to_app(answer), path), words.gettext("Credits added"))


@get("/readings/new/{slug:str}/seal", name="readings:seal")
async def seal(request: SoukRequest, slug: FromPath[str]) -> Html:
    """What it means that the cards are sealed. Raises NotFound."""
    committed = await site_of(request).services.readings.asking.commit(request.user, slug)
    view = present.SealSheet(committed.commitment, committed.committed_at)
    return sheet(request, "readings/_seal.html", view)


@post("/readings/new/{slug:str}", name="readings:ask", guards=[limited(WRITE)], status_code=200)
async def ask(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Deal the cards. Too few credits bring the packages, over a page that keeps the question. Raises NotFound."""
    form = await forms.read_form(request, AskForm)
    readings, reading_id = site_of(request).services.readings, ReadingId(form.reading)
    try:
        await readings.asking.ask(
            request.user, reading_id, form.question, form.seed, reversed_cards=form.reversed, language=form.language
        )
    except NotEnoughCredits as short:
        return await short_sheet(request, short)
    except Invalid as refusal:
        error: AskError = "too_long" if "question" in refusal.fields else "seed"
        return await show_ask_page(request, slug, form, error, FORM_ERROR)
    except ReadingLapsed:
        return await show_ask_page(request, slug, form, "lapsed", FORM_ERROR)
    except ReadingLive:
        return await show_ask_page(request, slug, form, "live", FORM_ERROR)
    except ReadingChanged:
        pass  # another tap was faster: its cards are these
    return pushed(await cards_answer(request, reading_id, fresh=True), f"/readings/{reading_id}/cards")


HANDLERS: Final = (ask_page, seal, ask)
