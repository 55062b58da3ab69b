"""Calls that are not the provider's: refused, cheap, quiet, and without a trace."""

from __future__ import annotations

import asyncio
import gc
import os
import tracemalloc
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from sqlalchemy import event
from structlog.testing import capture_logs

from backend.payments.gateways.demo import SIGNATURE
from tests.fakes.clock import FakeClock
from tests.webapp.payments.hooks.conftest import PATH, Provider, Send, Till
from webapp.core.limits import WEBHOOK_REFUSED
from webapp.core.sampling import Sampler
from webapp.payments.hooks import MAX_BODY

FORGED = int(os.environ.get("SOUK_EXAMPLES", "2000"))
"""Enough calls to see what grows; ``SOUK_EXAMPLES=10000`` for as many as an attacker would make."""


async def test_other_shops_and_strangers_are_refused(
    till: Till, provider: Provider, send: Send, clock: FakeClock
) -> None:
    intent = await till.begin()
    headers, body = provider.call(intent.id, 5000)
    other_shop = Provider(clock, "the secret key of quite another shop").call(intent.id, 5000)
    other_body = provider.call(intent.id, 5001)[1]
    before = await till.rows()
    forged: list[tuple[dict[str, str], bytes]] = [
        other_shop,
        ({}, body),
        ({SIGNATURE: ""}, body),
        ({SIGNATURE: "0" * 64}, body),
        ({SIGNATURE: headers[SIGNATURE].upper()}, body),
        ({SIGNATURE: headers[SIGNATURE] + "00"}, body),
        ({SIGNATURE: headers[SIGNATURE][:-2]}, body),
        (headers, other_body),
        (headers, b""),
        *((headers, body[:length]) for length in range(0, len(body), 17)),
    ]
    for call in forged:
        answer = await send(call)
        assert (answer.status_code, answer.text) == (401, "refused"), call
    assert await till.rows() == before
    assert (await send((headers, body))).status_code == 200


async def test_what_is_signed_and_makes_no_sense(till: Till, provider: Provider, send: Send) -> None:
    """Truncated before it was signed, huge, negative, of no known kind: refused, and never taken as money."""
    intent = await till.begin()
    _, body = provider.call(intent.id, 5000)
    notice: dict[str, Any] = msgspec.json.decode(body)
    odd = [
        b"", b"null", b"[]", b"{}", b"\xff\xfe", body[:-1], body[: len(body) // 2], b"[" * 5000, body + b"{}",
        *(
            msgspec.json.encode(notice | change)
            for change in (
                {"received": 0}, {"received": -1}, {"received": 2**63}, {"received": -(2**63)}, {"received": 1.5},
                {"received": "5000"}, {"received": None}, {"event_id": "\x00"}, {"currency": None},
                {"state": "paid_twice"}, {"state": "refunded"}, {"intent_id": "1"}, {"intent_id": None},
                {"surprise": 1}, {"event_id": None},
            )
        ),
        body.replace(b'"received":5000', b'"received":' + b"9" * 400),
        body.replace(b'"received":5000', b'"received":1e400'),
    ]  # fmt: skip
    before = await till.rows()
    for item in odd:
        answer = await send(provider.signed(item))
        assert answer.status_code == 401, (item[:200], answer.status_code, answer.text)
    assert await till.rows() == before
    assert await till.balance() == 0


@pytest.mark.parametrize(
    "method", ["nobody", "deposit", "Demo", "demo%00", "..%2Fdemo", "telegram", "x" * 300, "%F0%9F%9A%80"]
)
async def test_nobody_lives_at_other_doors(client: httpx.AsyncClient, till: Till, method: str) -> None:
    before = await till.rows()
    answer = await client.post(f"/hooks/{method}", content=b"{}")
    assert answer.status_code == 404
    assert await till.rows() == before


async def test_a_body_has_its_largest_size(client: httpx.AsyncClient, provider: Provider) -> None:
    for size, status in ((MAX_BODY, 401), (MAX_BODY + 1, 413)):
        headers, body = provider.signed(b"x" * size)
        assert (await client.post(PATH, headers=headers, content=body)).status_code == status

    async def endless() -> Any:
        while True:
            yield b"x" * 65536

    assert (await client.post(PATH, content=endless())).status_code == 413


async def _call(
    app: Litestar, headers: list[tuple[bytes, bytes]], body: bytes, path: str = PATH, address: str = "203.0.113.9"
) -> int:
    """One request past httpx, whose own work would hide the app's."""
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": (address, 40000), "server": ("souk.test", 80),
    }  # fmt: skip
    await app(scope, receive, send)  # type: ignore[arg-type]
    return status


@pytest.mark.long("two thousand calls, half of them with memory traced")
async def test_many_forged_calls(app: Litestar, till: Till, provider: Provider) -> None:
    """As many rejections, a handful of log lines, no row, no memory, no connection to the database."""
    intent = await till.begin()
    _, body = provider.call(intent.id, 5000)
    before = await till.rows()
    taken: list[object] = []

    def note(*connection: object) -> None:
        taken.append(connection)

    engine = till.services.engine.sync_engine
    event.listen(engine, "checkout", note)
    assert await _call(app, [(b"x-demo-signature", b"\xff\x00")], b"{}") == 401
    with capture_logs() as logs:
        for number in range(FORGED // 2):
            status = await _call(app, [(b"x-demo-signature", b"%064x" % number)], body)
            assert status == (401 if number < WEBHOOK_REFUSED.times - 1 else 429)
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(FORGED // 2, FORGED):
                assert await _call(app, [(b"x-demo-signature", b"%064x" % number)], b"%d" % number) == 429
                if number == FORGED // 2 + 100:
                    await asyncio.sleep(0)
                    gc.collect()
                    start = tracemalloc.get_traced_memory()[0]
            await asyncio.sleep(0)  # the loop drops ended timers when it turns, and nothing above made it turn
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - start
        finally:
            tracemalloc.stop()
    assert grown < 25 * FORGED // 2, f"{grown} bytes for {FORGED // 2} calls"
    event.remove(engine, "checkout", note)
    assert len(taken) < 3  # signals of the payment above may still be on their way
    assert await till.rows() == before
    lines = [(line["event"], line.get("times")) for line in logs]
    assert {event for event, _ in lines} == {"hooks.refused"}, lines
    # Powers of ten, and one for each minute that it takes on a slow machine.
    assert {times for _, times in lines} >= {10, 100, 1000}
    assert len(lines) <= 10
    assert len(str(logs)) < 5000
    assert (await till.intent(intent)).received.amount == 0


async def test_a_flood_of_forgeries_is_told_to_wait_and_shuts_no_provider_out(
    app: Litestar, client: httpx.AsyncClient, till: Till, provider: Provider, send: Send
) -> None:
    """By address, and never a call that proves itself: the provider's may come through the same proxy."""
    intent = await till.begin()
    headers, body = provider.call(intent.id, 5000)
    mine = "203.0.113.7"  # the client's
    for _ in range(WEBHOOK_REFUSED.times):
        assert await _call(app, [], b"{}", address=mine) == 401
    answer = await client.post(PATH, content=b"{}")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= WEBHOOK_REFUSED.seconds
    assert (await client.post("/hooks/nobody", content=b"{}")).status_code == 429
    assert await _call(app, [], b"{}", address="203.0.113.10") == 401
    assert (await send((headers, body))).status_code == 200
    assert await till.balance() == 5000


async def test_unknown_addresses_do_not_fill_the_log_or_memory(app: Litestar, sampler: Sampler) -> None:
    with capture_logs() as logs:
        for number in range(1000):
            assert await _call(app, [], b"", f"/hooks/stranger{number}") in {404, 429}
    assert len(logs) <= 5
    assert len(sampler._seen) == 1


def test_a_line_comes_first_then_by_powers_of_ten_and_once_a_minute() -> None:
    now = 0.0
    sampler = Sampler(lambda: now)
    assert [sampler.count("a") for _ in range(101)] == [
        number if number in {1, 10, 100} else None for number in range(1, 102)
    ]
    assert sampler.count("b") == 1
    now = 59.9
    assert sampler.count("a") is None
    now = 60.0
    assert [sampler.count("a"), sampler.count("a")] == [103, None]
    now = 120.0
    assert sampler.count("a") == 105
