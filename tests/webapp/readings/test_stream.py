"""A text is read while it is written: from its beginning, on from where a reader was, by its person only."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from sqlalchemy import text as sql

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.kernel.money import CREDIT, Money
from backend.readings.domain import answers, privacy
from backend.readings.repository.answers import StoredAnswer
from backend.readings.service import writing
from backend.readings.service.watching import parts_of
from backend.readings.types import AnswerSource, Failure
from tests.factories.identity import person
from tests.factories.readings import LEASE, add_answer, add_spread
from tests.factories.wallet import give
from tests.webapp.client import OpenStream, browser
from tests.webapp.conftest import MakeWeb
from webapp.core import live

TEXT = (
    "1. The Hermit, place 0\nYou walk alone with a lamp.\n\n2. The Star, place 1\nThere is light ahead.\n\n"
    "Take one small step today."
)


@dataclass
class Event:
    """One event as a browser gets it."""

    id: str
    name: str
    data: Any


class Reader:
    """An open stream, and what a page makes of it."""

    def __init__(self, app: Any, url: str, **headers: str) -> None:
        self.stream = OpenStream(app, url, **headers)
        self.start: Any = None
        self.raw = b""
        self.parts: list[Any] = []
        self.place = (0, 0)

    async def next(self) -> Event:
        """The next event."""
        while b"\n\n" not in self.raw:
            message = await self.stream.message()
            if message["type"] == "http.response.start":
                self.start = message
                continue
            assert message.get("more_body", True) or message["body"], "the stream has ended"
            self.raw += message["body"]
        block, _, self.raw = self.raw.partition(b"\n\n")
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if not line.startswith(b":"))
        if b"event" not in fields:
            return await self.next()
        data = fields[b"data"]
        event = Event(
            fields.get(b"id", b"").decode(), fields[b"event"].decode(),
            msgspec.json.decode(data) if data.startswith(b"{") else None,
        )  # fmt: skip
        self.take(event)
        return event

    def take(self, event: Event) -> None:
        """As webapp/static/reading.js does."""
        if event.name not in {"snapshot", "delta"}:
            return
        attempt, seq = map(int, event.id.split("."))
        if event.name == "delta" and (attempt, seq) <= self.place:
            return
        self.place = (attempt, seq)
        self.parts[0 if event.name == "snapshot" else event.data["at"] :] = event.data["parts"]

    async def until(self, words: str) -> None:
        """Read until these are the last words."""
        while not self.text.endswith(words):
            await self.next()

    @property
    def text(self) -> str:
        """What stands on the page."""
        return "\n\n".join(f"{number}. {head}\n{body}" if number else body for number, head, body in self.parts)


def shown(text: str) -> list[Any]:
    """The paragraphs of a text about three cards, as a page gets them."""
    return [list(part) for part in msgspec.to_builtins(parts_of(text, 3))]


@dataclass
class Room:
    """A person whose answer is being written."""

    services: Services
    app: Any
    actor: Actor
    answer: StoredAnswer
    pen: writing.Pen
    url: str

    async def write(self, words: str) -> None:
        """The worker writes on."""
        self.pen.add(words)
        assert await self.pen.store()

    async def complete(self) -> None:
        """The worker is ready."""
        async with self.services.uow() as tx:
            await answers.complete(
                tx, self.services.ring, self.answer.id, 1, source=AnswerSource.MODEL, text=self.pen.text
            )

    @contextlib.asynccontextmanager
    async def reading(self, url: str = "", **headers: str) -> AsyncIterator[Reader]:
        """An open page."""
        reader = Reader(self.app, url or self.url, **headers)
        try:
            yield reader
        finally:
            await reader.stream.leave()


@pytest.fixture
async def room(listening: Services, make_web: MakeWeb) -> Room:
    """A person whose answer is being written; nothing of it is there."""
    app = make_web(listening)
    actor = await person(listening.identity)
    async with listening.uow() as tx:
        await give(tx, actor.id, Money(3, CREDIT))
        answer = await add_answer(tx, listening.ring, actor.id, await add_spread(tx))
        work = await answers.claim(tx, listening.ring, answer.id, "w", LEASE)
        assert work is not None
        sealer = await privacy.sealer(tx, listening.ring, actor.id)
    pen = writing.Pen(listening.uow, sealer, work, 0, every=0)
    url = app.state.site.addresses.sign(f"/live/reading/{answer.id}", actor, seconds=60)
    return Room(listening, app, actor, answer, pen, url)


async def test_words_arrive_as_they_are_written(room: Room) -> None:
    async with room.reading() as reader:
        first = await reader.next()
        assert (first.name, first.data["parts"], first.data["status"]) == ("snapshot", [], "running")
        names = []
        for word in TEXT.split(" "):
            await room.write(f" {word}" if room.pen.text else word)
            event = await reader.next()
            names.append(event.name)
            assert reader.parts == shown(room.pen.text)
        assert reader.text == TEXT
        assert set(names[1:]) == {"delta"}
        await room.complete()
        done = await reader.next()
        assert (done.name, done.data["status"], done.data["parts"]) == ("done", "complete", [])
        end = await reader.stream.message()
        assert not end["body"]
    headers = dict(reader.start["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-store", b"no")
    assert b"content-encoding" not in headers
    assert not room.app.state.streams._open


async def test_a_reload_at_any_moment_shows_what_is_stored(room: Room) -> None:
    words = TEXT.split(" ")
    moments = sorted(secrets.SystemRandom().sample(range(len(words)), 3))
    for at, word in enumerate(words):
        await room.write(f" {word}" if at else word)
        if at in moments:
            async with room.reading() as reader:
                event = await reader.next()
                assert event.name == "snapshot"
                assert reader.parts == shown(room.pen.text)
    assert reader.place == (1, moments[-1] + 1)


async def test_a_second_page_reads_the_same(room: Room) -> None:
    async with room.reading() as first, room.reading() as second:
        for word in ("You ", "walk ", "alone."):
            await room.write(word)
        await asyncio.gather(first.until("alone."), second.until("alone."))
    assert first.text == second.text == "You walk alone."


async def test_events_that_come_twice_change_nothing(room: Room) -> None:
    async with room.reading() as reader:
        events = [await reader.next()]
        for word in ("You ", "walk ", "alone."):
            await room.write(word)
            events.append(await reader.next())
        for event in [*events[1:], *events[1:]]:
            reader.take(event)
    assert reader.text == "You walk alone."


async def test_a_connection_that_is_cut_again_and_again(room: Room) -> None:
    place = ""
    for word in ("You ", "walk ", "alone ", "with ", "a lamp."):
        await room.write(word)
        async with room.reading(**({"last_event_id": place} if place else {})) as reader:
            event = await reader.next()
            assert (event.name, reader.text) == ("snapshot", room.pen.text.strip())
            place = event.id
    async with room.reading(last_event_id=place) as reader:
        assert (await reader.next()).name == "ping"  # it has all of it
        await room.write(" It is warm.")
        delta = await reader.next()
        assert (delta.name, delta.data["at"]) == ("delta", 0)
        assert reader.text == "You walk alone with a lamp. It is warm."


@pytest.mark.parametrize("place", ["", "x", "1.", ".1", "0.0", "9.9", "1.99999999999999999", "-1.-1", "1.1.1", "1.2\n"])
async def test_a_place_that_is_none_brings_the_whole_text(room: Room, place: str) -> None:
    await room.write("You walk alone.")
    async with room.reading(last_event_id=place) as reader:
        assert (await reader.next()).name == "snapshot"
    assert reader.text == "You walk alone."


async def test_a_text_that_begins_again_replaces_what_was_shown(room: Room) -> None:
    async with room.reading() as reader:
        await reader.next()
        await room.write("Nonsense")
        await reader.until("Nonsense")
        room.pen.begin_again("You walk")
        assert await room.pen.store()
        event = await reader.next()
        assert (event.name, reader.text) == ("snapshot", "You walk")
        await room.write(" alone.")
        await reader.until("alone.")
    async with room.reading() as late:
        await late.next()
    assert late.text == reader.text == "You walk alone."


async def test_an_answer_that_has_ended_is_one_snapshot_and_done(room: Room) -> None:
    await room.write(TEXT)
    await room.complete()
    for pieces_are_there in (True, False):
        if not pieces_are_there:
            async with room.services.uow() as tx:
                await tx.execute(sql("DELETE FROM reading_chunks"))
        async with room.reading() as reader:
            assert [(await reader.next()).name for _ in range(2)] == ["snapshot", "done"]
            assert not (await reader.stream.message())["body"]
        assert reader.text == TEXT


async def test_a_failure_and_a_stop_are_told(room: Room) -> None:
    async with room.reading() as reader:
        await reader.next()
        await room.write("You walk")
        await reader.until("walk")
        async with room.services.uow() as tx:
            await answers.fail(tx, room.answer.id, 1, Failure.TIMEOUT_GAP)
        done = await reader.next()
    assert (done.name, done.data["status"], done.data["failure"]) == ("done", "failed", "api.timeout.gap")
    assert reader.text == "You walk"


async def test_reading_starts_and_changes_nothing(room: Room) -> None:
    async def rows() -> Any:
        async with room.services.uow.read() as tx:
            return (await tx.execute(sql("SELECT * FROM reading_answers"))).all()

    before = await rows()
    async with room.reading() as reader:
        await reader.next()
    assert await rows() == before


async def test_who_only_asks_now_and_then_gets_json(room: Room) -> None:
    async with browser(room.app) as client:
        await room.write("1. The Hermit, place 0\nYou walk")
        answer = await client.get(room.url, headers={"accept": "application/json"})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {
            "id": "1.1", "at": 0, "parts": [[1, "The Hermit, place 0", "You walk"]], "status": "running",
            "failure": "", "missing_key": "", "done": False,
        }  # fmt: skip
        await room.complete()
        assert (await client.get(room.url)).json()["done"]


async def test_nobody_else_reads_it(room: Room) -> None:
    stranger = await person(room.services.identity)
    sign = room.app.state.site.addresses.sign
    theirs = sign(f"/live/reading/{room.answer.id}", stranger, seconds=60)
    other = sign("/live/reading/01890000-0000-7000-8000-000000000000", room.actor, seconds=60)
    path, _, token = room.url.partition("?")
    async with browser(room.app) as client:
        for accept in ("text/event-stream", "application/json"):
            for url, status in [
                (theirs, 404), (other, 404), (path, 403), (f"{path}?{theirs.partition('?')[2]}x", 403),
                (other.partition("?")[0] + f"?{token}", 403),
            ]:  # fmt: skip
                assert (await client.get(url, headers={"accept": accept})).status_code == status
    assert not room.app.state.streams._open


async def test_a_missing_key_is_told_and_no_error(room: Room) -> None:
    await room.write("You walk")
    async with room.services.uow() as tx:
        await tx.execute(sql("DELETE FROM data_keys"))
    room.services.ring._cache.clear()
    async with room.reading() as reader:
        event = await reader.next()
    assert (event.name, event.data["parts"], bool(event.data["missing_key"])) == ("snapshot", [], True)


async def test_pings_keep_a_silent_line_open(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.02)
    async with room.reading() as reader:
        assert [(await reader.next()).name for _ in range(3)] == ["snapshot", "ping", "ping"]
        # Also without a signal, what is stored is found at the next beat.
        async with room.services.uow() as tx:
            tx.signal = lambda *_: None  # type: ignore[method-assign]
            await answers.fail(tx, room.answer.id, 1, Failure.EMPTY)
        while (await reader.next()).name != "done":
            pass


async def test_what_is_stored_holds_no_plaintext(room: Room) -> None:
    await room.write("You walk alone with a lamp.")
    async with room.services.uow.read() as tx:
        sealed = (await tx.execute(sql("SELECT sealed FROM reading_chunks"))).scalars().all()
    assert sealed
    assert b"lamp" not in b"".join(sealed)
