"""Sends changes to every open page (server-sent events) and wakes everything that waits for one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec


class Signal:
    """Wakes everyone who waits, each time it is set; a wait that starts later needs a later signal."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake all who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; False where no signal came."""
        if seconds <= 0:
            return False
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        return True


class Live:
    """A broadcaster: one small queue for each listener, and a signal for requests that wait for a change."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self.changed = Signal()
        self.closed = False

    def tell(self, kind: str, **data: Any) -> None:
        """Send an event to every page, and wake everything that waits for a change."""
        event = msgspec.json.encode({"kind": kind, **data})
        for queue in self._queues:
            queue.put_nowait(event)
        self.changed.set()

    async def events(self, keep_alive: float = 15.0) -> AsyncIterator[bytes]:
        """Yield server-sent events until closing, with a comment every `keep_alive` seconds of silence."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield b"retry: 1000\n\n"
            while not self.closed:
                try:
                    async with asyncio.timeout(keep_alive):
                        event = await queue.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if event is None:
                    return
                yield b"data: " + event + b"\n\n"
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End every stream and every wait."""
        self.closed = True
        for queue in self._queues:
            queue.put_nowait(None)
        self.changed.set()
