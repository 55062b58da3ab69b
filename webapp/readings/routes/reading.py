"""A reading for its person: the cards, the text, and everything that can be done with it."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.kernel.errors import Invalid, NotFound
from backend.readings.errors import NoFollowUpsLeft, NotEnoughCredits, ReadingChanged, ReadingLive
from backend.readings.types import AnswerStatus, ReadingId
from backend.readings.types.rooms import ShownAnswer
from webapp.core import forms
from webapp.core.answers import pushed
from webapp.core.limits import WRITE, limited
from webapp.core.parts import SureSheet
from webapp.core.responses import FORM_ERROR, Html, fragment, page, sheet, signed_url, toast
from webapp.core.site import SoukRequest, site_of
from webapp.readings.routes.credits import short_sheet
from webapp.readings.routes.room import home_answer
from webapp.readings.screens import reading as present
from webapp.readings.screens.draws import proof_url
from webapp.readings.stream import text_url

_PICTURE_SECONDS: Final = 2 * 60 * 60
_PATH: Final = "/readings/{reading_id:uuid}"
LONGEST_TEXT: Final = 20_000
"""Letters of a form's question that are read at all: what is too long to ask is said beside the field."""


class CardQuery(msgspec.Struct, frozen=True):
    """The card that is told of, by its place counted from 1."""

    card: Annotated[int, Meta(ge=1, le=100)] = 1


class FollowForm(msgspec.Struct, frozen=True):
    """A further question about the same cards."""

    question: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""


@get(_PATH, name="readings:reading")
async def reading(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """A reading and its text as far as it is. Raises NotFound."""
    return await text_answer(request, ReadingId(reading_id))


async def text_answer(
    request: SoukRequest, reading_id: ReadingId, *, follow: str = "", error: str = "", status: int = 200
) -> Html:
    """The page of a reading, with what was typed as a further question and what is wrong with it. Raises NotFound."""
    site, actor = site_of(request), request.user
    shown = await site.services.readings.rooms.get(actor, reading_id)
    if shown.answers[-1].status is AnswerStatus.COMPLETE:
        await site.services.readings.rooms.mark_seen(actor, reading_id)
    view = present.text_page(
        shown,
        actor.language,
        site.viewer(actor).words,
        proof=proof_url(site.settings.public_url, reading_id, actor.language),
        text_url=lambda answer_id: text_url(request, answer_id),
        picture=signed_url(request, f"/readings/pictures/{reading_id}.png", seconds=_PICTURE_SECONDS),
        follow=follow,
        error=error,
    )
    return page(request, "readings/reading.html", view, tab="readings", back="/readings", status=status)


@get(_PATH + "/cards", name="readings:cards")
async def cards(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """The cards where they lie. Raises NotFound."""
    query = forms.read_query(request, CardQuery)
    return await cards_answer(request, ReadingId(reading_id), chosen=query.card)


async def cards_answer(request: SoukRequest, reading_id: ReadingId, *, chosen: int = 1, fresh: bool = False) -> Html:
    """The page of the cards, face down for a moment where they have just been dealt. Raises NotFound."""
    shown = await site_of(request).services.readings.rooms.get(request.user, reading_id)
    if not 1 <= chosen <= len(shown.cards):
        raise NotFound("no such card")
    view = present.cards_page(shown, request.user.language, chosen=chosen, fresh=fresh)
    back = "/readings" if fresh else f"/readings/{reading_id}"
    return page(request, "readings/cards.html", view, tab="readings", back=back)


@get(_PATH + "/cards/{number:int}", name="readings:card-about")
async def about(request: SoukRequest, reading_id: FromPath[UUID], number: FromPath[int]) -> Html:
    """What the card at a place says there. Raises NotFound."""
    shown = await site_of(request).services.readings.rooms.get(request.user, ReadingId(reading_id))
    if not 1 <= number <= len(shown.cards):
        raise NotFound("no such card")
    return fragment(request, "readings/_about.html", present.about_card(shown, number, request.user.language))


@post(_PATH + "/follow", name="readings:follow", guards=[limited(WRITE)], status_code=200)
async def follow(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """Ask on about the same cards. Raises NotFound."""
    form, one = await forms.read_form(request, FollowForm), ReadingId(reading_id)
    words = site_of(request).viewer(request.user).words
    try:
        await site_of(request).services.readings.asking.follow_up(request.user, one, form.question)
    except NotEnoughCredits as short:
        return await short_sheet(request, short)
    except Invalid as refusal:
        error = refusal.fields.get("question", "required")
        return await text_answer(request, one, follow=form.question, error=error, status=FORM_ERROR)
    except ReadingLive:
        busy = words.gettext("The last answer is still being written. Wait a moment.")
        return toast(await text_answer(request, one, follow=form.question), busy, "bad")
    except (NoFollowUpsLeft, ReadingChanged):
        pass  # another tap was faster: the page shows what it did
    return await text_answer(request, one)


@post(_PATH + "/stop", name="readings:stop", guards=[limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """End what is being written. Raises NotFound."""
    one = await _last(request, reading_id)
    await site_of(request).services.readings.asking.stop(request.user, one.id)
    return await text_answer(request, ReadingId(reading_id))


@post(_PATH + "/again", name="readings:again", guards=[limited(WRITE)], status_code=200)
async def again(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """Have what failed or was stopped written once more, for its price. Raises NotFound, ReadingLive."""
    one = await _last(request, reading_id)
    try:
        await site_of(request).services.readings.asking.try_again(request.user, one.id)
    except NotEnoughCredits as short:
        return await short_sheet(request, short)
    except ReadingChanged:
        pass  # another tap was faster
    return await text_answer(request, ReadingId(reading_id))


@post(_PATH + "/plain", name="readings:plain", guards=[limited(WRITE)], status_code=200)
async def plain(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """Have our own interpreter write what failed, for nothing. Raises NotFound, ReadingLive."""
    one = await _last(request, reading_id)
    with suppress(ReadingChanged):  # another tap was faster
        await site_of(request).services.readings.asking.plain_reading(request.user, one.id)
    return await text_answer(request, ReadingId(reading_id))


async def _last(request: SoukRequest, reading_id: UUID) -> ShownAnswer:
    return (await site_of(request).services.readings.rooms.get(request.user, ReadingId(reading_id))).answers[-1]


@get(_PATH + "/delete", name="readings:delete-sheet")
async def ask_to_delete(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """The last question before a reading is deleted."""
    _ = site_of(request).viewer(request.user).words.gettext
    text = _("Its question and texts are erased for good. The credits stay used.")
    view = SureSheet(f"/readings/{reading_id}/delete", _("Delete this reading?"), _("Delete"), text, danger=True)
    return sheet(request, "sheets/_sure.html", view)


@post(_PATH + "/delete", name="readings:delete", guards=[limited(WRITE)], status_code=200)
async def delete(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """Erase a reading's question and texts. Raises NotFound."""
    await site_of(request).services.readings.rooms.delete(request.user, ReadingId(reading_id))
    words = site_of(request).viewer(request.user).words
    return toast(pushed(await home_answer(request), "/readings"), words.gettext("Reading deleted"))


HANDLERS: Final = (reading, cards, about, follow, stop, again, plain, ask_to_delete, delete)
