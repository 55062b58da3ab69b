"""Server-sent events: changes arrive; strangers and blocked people receive nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.infra import signals
from backend.infra.settings import Settings
from backend.kernel.errors import RateLimited
from backend.kernel.ids import UserId, new_id
from tests.factories.identity import person
from tests.webapp.client import OpenStream
from tests.webapp.conftest import MakeWeb
from webapp.core import live
from webapp.core.site import Site

Stream = AsyncIterator[bytes]


async def _next(stream: Stream) -> bytes:
    return await asyncio.wait_for(anext(stream), 20)


async def _follow(streams: live.Streams, services: Services, actor: Actor, *topics: tuple[str, str]) -> Stream:
    stream = streams.follow(streams.take(actor.id), actor, list(topics), services.identity, since=time.time() + 1)
    assert (await _next(stream)).startswith(b"retry:")
    return stream


async def test_a_change_arrives_through_the_database(listening: Services) -> None:
    actor, streams = await person(listening.identity), live.Streams(listening.signals)
    stream = await _follow(streams, listening, actor, ("order", "7"), ("payment", "8"))
    for topic, key in (("order", "7"), ("payment", "8")):
        async with listening.uow() as tx:
            tx.signal(topic, key)
            tx.signal("order", "9")
        assert await _next(stream) == b"event: changed\ndata: changed\n\n"
    pending = asyncio.ensure_future(anext(stream))
    async with listening.uow() as tx:
        tx.signal("order", "9")
    await asyncio.sleep(0.1)
    assert not pending.done()
    pending.cancel()
    await asyncio.gather(pending, return_exceptions=True)


async def test_what_came_between_the_look_and_the_stream_is_told_once(
    listening: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, streams = await person(listening.identity), live.Streams(listening.signals)
    heard = asyncio.Event()
    listening.signals.on("order", lambda _: heard.set())
    looked = time.time()
    async with listening.uow() as tx:
        tx.signal("order", "7")
    await asyncio.wait_for(heard.wait(), 20)
    for since, key, expected in [(looked, "7", True), (looked, "8", False), (time.time(), "7", False)]:
        stream = streams.follow(
            streams.take(actor.id), actor, [("payment", "1"), ("order", key)], listening.identity, since=since
        )
        await _next(stream)
        following = asyncio.ensure_future(anext(stream))
        done, _ = await asyncio.wait([following], timeout=0.1)
        assert bool(done) is expected
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    # What was forgotten, or missed while nobody listened, counts as come.
    monkeypatch.setattr(signals, "_REMEMBERED", 1)
    assert not listening.signals.may_have_come_since(looked, "order", "8")
    listening.signals._receive(None, 0, "", "order:9")
    assert listening.signals.may_have_come_since(looked, "order", "8")
    now = time.time()
    assert not listening.signals.may_have_come_since(now, "order", "8")
    listening.signals._gap()
    assert listening.signals.may_have_come_since(now, "order", "8")


async def test_a_blocked_person_hears_no_more(listening: Services, settings: Settings) -> None:
    actor, streams = await person(listening.identity), live.Streams(listening.signals)
    root = await person(listening.identity, settings.root_admin_id)
    stream = live._quiet(
        streams.follow(streams.take(actor.id), actor, [("order", "7")], listening.identity, since=time.time())
    )
    await _next(stream)
    await listening.identity.people.block(root, actor.id, "fraud")
    with pytest.raises(StopAsyncIteration):
        await _next(stream)
    assert not streams._open


async def test_a_gap_has_the_page_look_again_and_closing_ends(listening: Services) -> None:
    actor, streams = await person(listening.identity), live.Streams(listening.signals)
    stream = await _follow(streams, listening, actor, ("order", "7"))
    listening.signals._gap()
    assert b"changed" in await _next(stream)
    streams.close()
    with pytest.raises(StopAsyncIteration):
        for _ in range(3):
            await _next(stream)


async def test_beats_keep_it_open_until_its_time(listening: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(live, "OPEN_SECONDS", 0.2)
    actor, streams = await person(listening.identity), live.Streams(listening.signals)
    stream = await _follow(streams, listening, actor, ("order", "7"))
    heard = [part async for part in stream]
    assert heard[0] == b"event: changed\ndata: changed\n\n"  # what changed before it was open is not missed
    assert set(heard[1:]) == {b": still here\n\n"}
    assert not streams._open


async def test_over_http_with_a_limit_for_each_person(listening: Services, make_web: MakeWeb) -> None:
    app = make_web(listening)
    site: Site = app.state.site
    actor = await person(listening.identity)
    url = site.addresses.sign(f"/live?on=order:7,payment:8&since={int(time.time() * 1000) + 1000}", actor, seconds=60)
    async with AsyncExitStack() as stack:
        open_ones = [OpenStream(app, url) for _ in range(live.PER_PERSON)]
        for item in open_ones:
            stack.push_async_callback(item.leave)
            start = await item.message()
            headers = dict(start["headers"])
            assert (start["status"], headers[b"content-type"].partition(b";")[0]) == (200, b"text/event-stream")
            assert b"content-encoding" not in headers
            assert b"content-security-policy" in headers
            await item.message()
        one_more = OpenStream(app, url)
        assert (await one_more.message())["status"] == 429
        async with listening.uow() as tx:
            tx.signal("order", "7")
        assert b"changed" in (await open_ones[0].message())["body"]
        await open_ones[0].leave()
        again = OpenStream(app, url)
        stack.push_async_callback(again.leave)
        assert (await again.message())["status"] == 200
    assert not app.state.streams._open


async def test_a_burst_is_counted_before_its_answers_begin(
    listening: Services, make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_UNBEGUN_SECONDS", 0.05)
    app = make_web(listening)
    site: Site = app.state.site
    actor = await person(listening.identity)
    url = site.addresses.sign(f"/live?on=order:7&since={int(time.time() * 1000) + 1000}", actor, seconds=60)
    async with AsyncExitStack() as stack:
        burst = [OpenStream(app, url) for _ in range(40)]
        for item in burst:
            stack.push_async_callback(item.leave)
        statuses = [(await item.message())["status"] for item in burst]
    assert sorted(statuses) == [200] * live.PER_PERSON + [429] * (40 - live.PER_PERSON)
    # Whose client is gone before the answer begins, does not keep its place.
    streams = live.Streams(listening.signals, most=2)
    seats = [streams.take(actor.id) for _ in range(2)]
    with pytest.raises(RateLimited):
        streams.take(UserId(new_id()))
    while streams._total:
        await asyncio.sleep(0.01)
    seats[0].leave()
    assert not streams._open


async def test_only_the_signed_address_opens_it(
    client: httpx.AsyncClient, services: Services, app: Any, settings: Settings, clock: Any
) -> None:
    actor = await person(services.identity)
    root = await person(services.identity, settings.root_admin_id)
    url: str = app.state.site.addresses.sign("/live?on=order:7&since=1", actor, seconds=60)
    for bad, code in [
        ("/live", "link_expired"),
        ("/live?on=order:7", "link_expired"),
        (url.replace("order:7", "order:8"), "link_expired"),
        (url.replace("/live", "/media/live.svg"), "link_expired"),
        (app.state.site.addresses.sign_media("x").replace("/media/x", "/live"), "link_expired"),
    ]:
        assert (await client.get(bad)).headers["x-error-code"] == code
    await services.identity.people.block(root, actor.id, "fraud")
    assert (await client.get(url)).headers["x-error-code"] == "blacklisted"
    clock.move(seconds=61)
    assert (await client.get(url)).headers["x-error-code"] == "link_expired"
