"""How soon a reading begins on its page, against how soon the model server itself begins."""

from __future__ import annotations

import asyncio
import statistics
import time

import httpx
import msgspec
from sqlalchemy import text

from backend.identity.types import Actor
from backend.kernel.clock import SystemClock
from backend.kernel.money import CREDIT, Money
from backend.readings.types import AnswerId
from tests.bench.pages import server
from tests.bench.payments import working
from tests.bench.report import Row
from tests.bench.world import World
from tests.factories.wallet import give
from tests.fakes.model_server import DONE, MODEL, ROLE, STOP, ModelServer, Play, say, words
from webapp.core.session import SignedAddresses

_SAMPLES, _WARM = 30, 5
_FIRST_WORD = 0.5
"""Seconds in which the model finds it: a fast one does."""
_TELEGRAM_ID = text("SELECT telegram_id FROM users WHERE id = :id")
_TEXT = "The Star shows light ahead of you. Take one small step towards it today."


def _play(_asked: object) -> Play:
    return Play([ROLE, _FIRST_WORD, say("You "), *words(_TEXT), STOP, DONE])


def _browser(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)


async def _own(url: str) -> float:
    """Seconds until the model server says something, asked as directly as can be."""
    begun = time.perf_counter()
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", f"{url}/chat/completions", json={"model": MODEL, "messages": []}) as answer,
    ):
        async for line in answer.aiter_lines():
            if "You " in line:
                return time.perf_counter() - begun
    raise RuntimeError("the model said nothing")


async def _on_page(world: World, client: httpx.AsyncClient, reader: Actor) -> float:
    """Seconds from the tap until there is a word on the page that reads along."""
    asking = world.services.readings.asking
    committed = await asking.commit(reader, "one")
    begun = time.perf_counter()
    answer_id = await asking.ask(
        reader, committed.reading_id, "What now?", "a-seed-of-the-bench", reversed_cards=True, language="en"
    )
    seconds = await _first_word(world, client, reader, answer_id, begun)
    while (await world.services.interpretation.watching.follow(reader, answer_id).advance()).done is False:
        await asyncio.sleep(0.01)
    return seconds


async def _first_word(
    world: World, client: httpx.AsyncClient, reader: Actor, answer_id: AnswerId, begun: float
) -> float:
    addresses = SignedAddresses(world.settings.secret_key, SystemClock())
    url = addresses.sign(f"/live/reading/{answer_id}", reader)
    async with client.stream("GET", url, headers={"accept": "text/event-stream"}) as page:
        page.raise_for_status()
        async for line in page.aiter_lines():
            if line.startswith("data: {") and msgspec.json.decode(line[6:])["parts"]:
                return time.perf_counter() - begun
    raise RuntimeError("no word came")


async def _reader(world: World, number: int) -> Actor:
    """A person with a credit, as they are when they sign in."""
    user_id = world.buyers[number % len(world.buyers)].id
    async with world.services.uow() as tx:
        await give(tx, user_id, Money(1, CREDIT))
        telegram_id = (await tx.execute(_TELEGRAM_ID, {"id": user_id})).scalar_one()
    reader = await world.services.identity.access.actor_by_telegram_id(telegram_id)
    if reader is None:
        raise RuntimeError("the bench's reader is unknown")
    return reader


async def first_word(world: World) -> Row:
    """The median of both, asked in turn: through the worker, the database and the web process, and directly."""
    await world.services.readings.upkeep.ensure_spreads()
    model = ModelServer()
    model.choose = _play
    ours, theirs = [], []
    async with model.serving() as url:
        settings = msgspec.structs.replace(world.settings, reading_model_url=url, reading_model=MODEL)
        async with server(settings) as port, working(settings), _browser(port) as client:
            for number in range(_SAMPLES + _WARM):
                reader = await _reader(world, number)
                theirs.append(await _own(url) * 1000)
                # The worker's own rhythm must not fall in step with ours.
                await asyncio.sleep(0.013 * (number % 11))
                ours.append(await _on_page(world, client, reader) * 1000)
    return Row.of("first_word", statistics.median(ours[_WARM:]), "ms", statistics.median(theirs[_WARM:]), "lower")
