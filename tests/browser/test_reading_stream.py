"""reading.js with a server that cuts, repeats, refuses and falls silent: the page shows the text once, to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from tests.fakes.http_server import read_request

_SCRIPT = Path(__file__).parents[2] / "webapp/static/reading.js"
_PAGE = b"""<!doctype html><html lang="en"><body>
<div data-reading="/text" data-state="waiting"><div data-reading-text></div><p data-reading-said></p>
<b data-reading-card>0</b></div>
<script src="/stub.js"></script><script type="module" src="/reading.js"></script></body></html>"""
_STUB = b"window.ends = []; window.htmx = { trigger: (node, name, detail) => window.ends.push([name, detail.status]) };"
HEAD, BODY = [1, "The Hermit, where you stand", ""], "You walk alone <img src=x onerror=window.broken=1> with a lamp."
WHOLE = [[1, HEAD[1], BODY], [0, "", "Take one step."]]


def event(name: str, seq: int, at: int, parts: list[Any], status: str = "running") -> bytes:
    """One event as webapp/readings/stream.py writes it."""
    data = {"id": f"1.{seq}", "at": at, "parts": parts, "status": status, "failure": "", "done": name == "done"}
    return b"id: 1.%d\nevent: %b\ndata: %b\n\n" % (seq, name.encode(), msgspec.json.encode(data))


EVENTS = [
    event("snapshot", 1, 0, [HEAD]),
    event("delta", 2, 0, [[1, HEAD[1], "You walk alone <img"]]),
    event("delta", 3, 0, [[1, HEAD[1], BODY]]),
    event("delta", 4, 1, [WHOLE[1]]),
]
DONE = event("done", 4, 2, [], "complete")
SNAPSHOT = event("snapshot", 4, 0, WHOLE)


class Server:
    """Answers each stream with the next of its plays, the last one again and again: bytes, or a status."""

    def __init__(self) -> None:
        self.plays: list[list[bytes] | int] = []
        self.json: list[Any] = WHOLE
        self.streams = self.asked = self.open = self.most = 0
        self.release = asyncio.Event()
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await read_request(reader)
            kinds = {"/": (_PAGE, "text/html"), "/stub.js": (_STUB, "text/javascript")}
            if request.path == "/text":
                await self._text("event-stream" in request.headers["accept"], reader, writer)
            elif request.path == "/reading.js":
                await self._send(writer, _SCRIPT.read_bytes(), "text/javascript")
            else:
                await self._send(writer, *kinds.get(request.path, (b"", "text/plain")))
        writer.close()

    async def _send(self, writer: asyncio.StreamWriter, body: bytes, kind: str, status: int = 200) -> None:
        head = (
            f"HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()

    async def _text(self, streamed: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not streamed:
            self.asked += 1
            state = {"id": "1.4", "at": 0, "parts": self.json, "status": "running", "failure": "", "done": False}
            await self._send(writer, msgspec.json.encode(state), "application/json")
            return
        self.streams += 1
        play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
        if isinstance(play, int):
            await self._send(writer, b"", "text/plain", play)
            return
        self.open += 1
        self.most = max(self.most, self.open)
        writer.write(b"HTTP/1.1 200 -\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\nretry: 20\n\n")
        for part in play:
            if part == b"":  # the line is held open
                gone, release = asyncio.create_task(reader.read()), asyncio.create_task(self.release.wait())
                await asyncio.wait({gone, release}, return_when=asyncio.FIRST_COMPLETED)
                gone.cancel()
                release.cancel()
            writer.write(part)
            await writer.drain()
        self.open -= 1


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """The server, at an address of the test's."""
    server = Server()
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    yield server
    server.release.set()
    listening.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page whose timers run when the test says so."""
    page = await browser.new_page()
    await page.clock.install()
    yield page
    await page.close()


async def shown(page: Page) -> list[list[str]]:
    """The blocks of the text on the page."""
    script = "[...document.querySelectorAll('[data-reading-text] > *')].map((n) => [n.tagName, n.lastChild.data])"
    blocks: list[list[str]] = await page.evaluate(script)
    return blocks


EXPECTED = [["H2", HEAD[1]], ["P", BODY], ["P", "Take one step."]]


async def ends(page: Page) -> None:
    """Wait for the text's end; the text is whole, and nothing of it has run."""
    await expect(page.locator("[data-reading]")).to_have_attribute("data-state", "complete")
    assert await shown(page) == EXPECTED
    assert await page.evaluate("window.ends") == [["reading:done", "complete"]]
    assert await page.evaluate("window.broken") is None
    assert await page.locator("[data-reading-card]").text_content() == "1"


async def test_words_are_text_and_the_end_is_the_end(server: Server, page: Page) -> None:
    server.plays = [[*EVENTS, DONE]]
    await page.goto(server.url)
    await ends(page)
    await page.clock.run_for(120_000)
    assert (server.streams, server.asked) == (1, 0)
    assert "Take one step." in (await page.locator("[data-reading-said]").text_content() or "")


async def test_events_that_come_twice_are_shown_once(server: Server, page: Page) -> None:
    server.plays = [[*EVENTS, *EVENTS[1:], *EVENTS[1:], DONE]]
    await page.goto(server.url)
    await ends(page)


async def test_a_line_that_is_cut_again_and_again(server: Server, page: Page) -> None:
    server.plays = [EVENTS[:1], EVENTS[:2], EVENTS[:3], [event("snapshot", 3, 0, [WHOLE[0]])], [], [SNAPSHOT, DONE]]
    await page.goto(server.url)
    for _ in range(40):
        await page.clock.run_for(5_000)
        if await page.locator("[data-state=complete]").count():
            break
        await asyncio.sleep(0.05)
    await ends(page)
    assert server.most == 1  # never two at a time


async def test_where_no_stream_comes_the_page_asks(server: Server, page: Page) -> None:
    server.plays = [503]
    await page.goto(server.url)
    for _ in range(40):
        await page.clock.run_for(3_000)
        if await page.locator("[data-reading-text] p").count():
            break
        await asyncio.sleep(0.05)
    assert await shown(page) == EXPECTED
    assert server.asked
    assert await page.evaluate("window.ends") == []
    server.plays = [[SNAPSHOT, DONE]]
    for _ in range(40):
        await page.clock.run_for(15_000)
        if await page.locator("[data-state=complete]").count():
            break
        await asyncio.sleep(0.05)
    await ends(page)


async def test_a_line_that_falls_silent_is_left(server: Server, page: Page) -> None:
    server.plays = [[*EVENTS[:2], b""], [SNAPSHOT, DONE]]
    await page.goto(server.url)
    await expect(page.locator("[data-reading-text] p")).to_have_text("You walk alone <img")
    assert await page.locator("[data-reading]").get_attribute("data-state") == "writing"
    await page.clock.run_for(41_000)
    assert await page.locator("[data-reading]").get_attribute("data-state") == "lost"  # and it says so
    await page.clock.run_for(5_000)
    await ends(page)


async def test_a_phone_that_wakes_looks_at_once(server: Server, page: Page) -> None:
    server.plays = [[*EVENTS[:2], b""], [SNAPSHOT, DONE]]
    await page.goto(server.url)
    await expect(page.locator("[data-reading-text] p")).to_have_text("You walk alone <img")
    await page.clock.run_for(10_000)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await ends(page)
    assert server.streams == 2
