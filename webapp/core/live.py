"""Server-sent events: an open page is notified when its order or payment changes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType
from typing import Any, Final

from litestar import Request, get
from litestar.exceptions import HTTPException
from litestar.response import Stream

from backend.identity.types import Actor
from backend.infra.signals import Signals
from backend.kernel.errors import AppError, RateLimited
from backend.kernel.ids import UserId
from webapp.core.capacity import ENDING_SECONDS, live_pages
from webapp.core.guards import PUBLIC, actor_of_address
from webapp.core.site import site_of

HEARTBEAT_SECONDS: Final = 15.0
OPEN_SECONDS: Final = 600.0
"""A stream ends after this long; the browser opens the next by itself, and a new release can drain the old process."""
PER_PERSON: Final = 6
_UNBEGUN_SECONDS: Final = 10.0
_LONGEST_TIME: Final = 16  # digits of milliseconds
RETRY: Final = b"retry: 2000\n\n"
_BEAT: Final = b": still here\n\n"
_CHANGED: Final = b"event: changed\ndata: changed\n\n"


class Seat:
    """A place among the open streams, taken before the response starts; ``leave`` releases it, once."""

    def __init__(self, streams: Streams, user_id: UserId) -> None:
        self._streams = streams
        self._user_id = user_id
        self._taken = True
        self.begun = False

    def leave(self) -> None:
        """Release the place."""
        if self._taken:
            self._taken = False
            self._streams.give_back(self._user_id)

    def leave_unless_begun(self) -> None:
        """Release the place if nobody reads the stream: the client disconnected before the response started."""
        if not self.begun:
            self.leave()


class Streams:
    """The open streams of this process, counted by person; ``close`` ends them all."""

    def __init__(self, signals: Signals, most: int | None = None) -> None:
        self._signals = signals
        self._most = live_pages() if most is None else most
        self._total = 0
        self._open: dict[UserId, int] = defaultdict(int)
        self._closing = False
        self._wakes: set[asyncio.Event] = set()
        signals.on_gap(self._wake_all)

    def close(self) -> None:
        """End every stream, because the process is stopping."""
        self._closing = True
        self._wake_all()

    def _wake_all(self) -> None:
        for wake in self._wakes:
            wake.set()

    def take(self, user_id: UserId) -> Seat:
        """A place for one more stream, counted at once, so that a burst is counted too.

        Raises RateLimited where the person, or the process, has as many as it may: the page then asks now and then.
        """
        if self._open.get(user_id, 0) >= PER_PERSON:
            raise RateLimited(int(HEARTBEAT_SECONDS), "streams of one person")
        if self._total >= self._most:
            raise RateLimited(int(HEARTBEAT_SECONDS), "streams of this process")
        self._open[user_id] += 1
        self._total += 1
        seat = Seat(self, user_id)
        asyncio.get_running_loop().call_later(_UNBEGUN_SECONDS, seat.leave_unless_begun)
        return seat

    def give_back(self, user_id: UserId) -> None:
        """Called by a seat that is left."""
        self._total -= 1
        self._open[user_id] -= 1
        if not self._open[user_id]:
            del self._open[user_id]

    @contextlib.asynccontextmanager
    async def listening(
        self, seat: Seat, actor: Actor, topics: list[tuple[str, str]], identity: Any, *, since: float | None = None
    ) -> AsyncIterator[Callable[[], AsyncIterator[bool]]]:
        """Listen for changes of ``topics`` (topic and key) while the context lasts; it gives what yields them.

        That yields True for a change and False for a beat, until the person may no longer see them or time is up.
        ``since`` (seconds of ``time.time``) has what has changed since then come first.
        """
        seat.begun = True
        wake = asyncio.Event()
        handlers = [(topic, _waker(wake, key)) for topic, key in topics]
        for topic, handler in handlers:
            self._signals.on(topic, handler)
        rights = asyncio.Event()
        rights_handler = _waker(rights, str(actor.id), wake)
        self._signals.on("identity", rights_handler)
        session_handler = _waker(rights, str(actor.session_id), wake)
        self._signals.on("session", session_handler)
        self._wakes.add(wake)
        if since is not None and any(self._signals.may_have_come_since(since, *topic) for topic in topics):
            wake.set()

        async def changes() -> AsyncIterator[bool]:
            loop = asyncio.get_running_loop()
            ends = loop.time() + OPEN_SECONDS
            while not self._closing and loop.time() < ends:
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await wake.wait()
                except TimeoutError:
                    # A signal may have been lost: rights are looked at again at each beat, from memory mostly.
                    await identity.access.actor_by_id(actor.id, actor.role_version, actor.session_id)
                    yield False
                    continue
                wake.clear()
                if rights.is_set():
                    rights.clear()
                    await identity.access.actor_by_id(actor.id, actor.role_version, actor.session_id)
                yield True

        try:
            yield changes
        finally:
            self._wakes.discard(wake)
            self._signals.off("identity", rights_handler)
            self._signals.off("session", session_handler)
            for topic, handler in handlers:
                self._signals.off(topic, handler)
            seat.leave()

    async def follow(
        self, seat: Seat, actor: Actor, topics: list[tuple[str, str]], identity: Any, *, since: float
    ) -> AsyncIterator[bytes]:
        """Events for changes of ``topics`` (topic and key), until the person may no longer see them or time is up.

        ``since`` is when the page was asked for (seconds of ``time.time``): what has changed since then is told first.
        """
        beaten = False
        async with self.listening(seat, actor, topics, identity, since=since) as changes:
            yield RETRY
            async for changed in changes():
                # The first beat has the page look once: other hosts' clocks, too, may hide what came before this.
                yield _CHANGED if changed or not beaten else _BEAT
                beaten = beaten or not changed


@contextlib.contextmanager
def closed_on_signals(streams: Streams, *, end_within: int = ENDING_SECONDS) -> Iterator[None]:
    """End the streams as soon as the process is told to stop, and the process ``end_within`` seconds later.

    The server waits for open answers before it ends the lifespan, and would wait for a stream until its time is up.
    The handler that it has set is called as before. granian kills a worker that takes too long; where granian itself
    was killed, only Linux's alarm ends a worker that waits, say, for a lock in the database.
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handler(number: int, frame: FrameType | None) -> None:
        signal.alarm(end_within)
        loop.call_soon_threadsafe(streams.close)
        previous = before[signal.Signals(number)]
        if callable(previous):
            previous(number, frame)

    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _waker(wake: asyncio.Event, expected: str, *others: asyncio.Event) -> Any:
    def handler(key: str) -> None:
        if key == expected:
            wake.set()
            for other in others:
                other.set()

    return handler


def _topics(on: str) -> list[tuple[str, str]]:
    pairs = [part.partition(":") for part in on.split(",")[:8]]
    return [(topic, key) for topic, _, key in pairs if topic and key]


@get("/live", opt=PUBLIC)
async def live(request: Request[Any, Any, Any]) -> Stream:
    """The stream of an address that responses.live_url made: ``event: changed`` whenever one of its topics changes."""
    actor = await actor_of_address(request)
    topics = _topics(request.query_params.get("on", ""))
    since = request.query_params.get("since", "")
    if not topics or not (since.isascii() and since.isdigit() and len(since) < _LONGEST_TIME):
        raise HTTPException(status_code=400)
    streams: Streams = request.app.state.streams
    seat = streams.take(actor.id)
    identity = site_of(request).services.identity
    return event_stream(streams.follow(seat, actor, topics, identity, since=int(since) / 1000))


def event_stream(events: AsyncIterator[bytes]) -> Stream:
    """An answer of server-sent events, which nothing on the way keeps or collects."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(_quiet(events), media_type="text/event-stream", headers=headers)


async def _quiet(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # Once the stream has started no error page is possible: for a person blocked meanwhile it just ends.
    try:
        async for event in events:
            yield event
    except AppError:
        return
