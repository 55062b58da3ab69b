"""The text of a reading as it is written: server-sent events, or JSON for those who ask again and again.

Both are at one signed address (``text_url``), which starts nothing: it is read as often as a browser likes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Response, Stream

from backend.identity.types import Actor
from backend.readings.service.watching import TOPICS
from backend.readings.types import AnswerId
from backend.readings.types.models import Place, TextPart, TextStep
from webapp.core.guards import PUBLIC, actor_of_address
from webapp.core.live import RETRY, Seat, Streams, event_stream
from webapp.core.responses import signed_url
from webapp.core.site import Site, SoukRequest, site_of

# The comment is for what stands between; the event tells the page that the line works.
_BEAT: Final = b": ping\nevent: ping\ndata: ping\n\n"
_encode: Final = msgspec.json.Encoder().encode


class TextSoFar(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is state: ``parts`` stand from number ``at`` on. ``id`` is how far the text is with them."""

    id: str
    at: int = 0
    parts: tuple[TextPart, ...] = ()
    status: str
    failure: str = ""
    missing_key: str = ""
    done: bool = False


def text_url(request: SoukRequest, answer_id: AnswerId) -> str:
    """The address at which this person reads the text of an answer."""
    return signed_url(request, f"/live/reading/{answer_id}", seconds=site_of(request).settings.session_lifetime)


def _state_of(step: TextStep) -> TextSoFar:
    return TextSoFar(
        id=step.place.id,
        at=step.at,
        parts=step.parts,
        status=step.status.value,
        failure=step.failure.value if step.failure else "",
        missing_key=step.missing_key,
        done=step.done,
    )


def _event(name: str, state: TextSoFar) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (state.id.encode(), name.encode(), _encode(state))


def events_of(step: TextStep, known: Place | None) -> bytes:
    """The events that bring a page to this step from where it is (``known``)."""
    state, events = _state_of(step), b""
    if step.whole and step.place != known:
        events += _event("snapshot", state)
    elif step.parts and not step.whole:
        events += _event("delta", state)
    return events + (_event("done", msgspec.structs.replace(state, parts=())) if step.done else b"")


async def _follow(
    streams: Streams, seat: Seat, actor: Actor, site: Site, answer_id: AnswerId, known: Place | None
) -> AsyncIterator[bytes]:
    services = site.services
    topics = [(topic, str(answer_id)) for topic in TOPICS]
    reader = services.interpretation.watching.follow(actor, answer_id)
    async with streams.listening(seat, actor, topics, services.identity) as changes:
        yield RETRY
        # Listening has begun: what is stored from now on is state after this.
        step = await reader.advance()
        yield events_of(step, known) or _BEAT
        if step.done:
            return
        async for changed in changes():
            before, step = step, await reader.advance()
            # That a worker has begun is state too, before there is a word.
            if events := events_of(step, before.place if before.status is step.status else None):
                yield events
            elif not changed:
                yield _BEAT
            if step.done:
                return


@get("/live/reading/{answer_id:uuid}", opt=PUBLIC)
async def text_so_far(request: Request[Any, Any, Any], answer_id: FromPath[UUID]) -> Stream | Response[bytes]:
    """The text of an answer: a stream where one is asked for, else JSON. Raises LinkExpired, NotFound."""
    actor = await actor_of_address(request)
    site, answer = site_of(request), AnswerId(answer_id)
    # Before the answer starts: an error has a status then.
    step = await site.services.interpretation.watching.follow(actor, answer).advance()
    if "text/event-stream" not in request.headers.get("accept", ""):
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Response(_encode(_state_of(step)), media_type="application/json", headers=headers)
    streams: Streams = request.app.state.streams
    place = Place.parse(request.headers.get("last-event-id", ""))
    known = place if place and place.seq else None
    return event_stream(_follow(streams, streams.take(actor.id), actor, site, answer, known))


HANDLERS: Final = (text_so_far,)
