"""A small HTTP/1.1 load generator: keep-alive connections, one request in flight on each, loopback only."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from typing import cast

import msgspec

_HEADER_END = b"\r\n\r\n"


class Result(msgspec.Struct, frozen=True):
    """What a burst showed; times in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p95: float
    failures: int
    body_bytes: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the one before is whole."""

    def __init__(self, requests: Iterator[bytes], running: Callable[[], bool], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._running = running
        self._done = done
        self._buffer = bytearray()
        self._sent_at = 0.0
        self.times: list[float] = []
        self.failures = 0
        self.body_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        """Collect, and go on when the answer is whole."""
        self._buffer += data
        end = self._buffer.find(_HEADER_END)
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        _, _, rest = head.partition(b"content-length:")
        length = int(rest.partition(b"\r\n")[0] or 0)
        if len(self._buffer) < end + len(_HEADER_END) + length:
            return
        self.times.append(time.perf_counter() - self._sent_at)
        self.failures += not head.startswith(b"http/1.1 200")
        self.body_bytes = length
        self._buffer.clear()
        if self._running():
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the waiting burst."""
        if not self._done.done():
            self._done.set_result(None)


async def burst(
    port: int,
    path: str,
    headers: dict[str, str],
    *,
    connections: int,
    seconds: float,
    requests: Iterator[bytes] | None = None,
) -> Result:
    """Ask for ``path`` on ``connections`` connections for ``seconds``, one request in flight on each.

    With ``requests``, whole ones as they go over the line, each of them is sent once.
    """
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    requests = requests or itertools.repeat(("\r\n".join(lines) + "\r\n\r\n").encode())
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    ends = started + seconds
    finished = [loop.create_future() for _ in range(connections)]
    opened = [
        await loop.create_connection(
            lambda d=done: _Connection(requests, lambda: time.perf_counter() < ends, d), "127.0.0.1", port
        )
        for done in finished
    ]
    await asyncio.gather(*finished)
    took = time.perf_counter() - started
    protocols = [protocol for _, protocol in opened]
    times = sorted(moment for protocol in protocols for moment in protocol.times)
    return Result(
        requests=len(times),
        seconds=took,
        p50=times[len(times) // 2] * 1000,
        p95=times[len(times) * 95 // 100] * 1000,
        failures=sum(protocol.failures for protocol in protocols),
        body_bytes=protocols[0].body_bytes,
    )
