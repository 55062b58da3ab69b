"""An OpenAI-compatible model server on loopback, which plays whatever such servers do, well or badly."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http_server import Request, read_request

Step = bytes | float | asyncio.Event
"""Bytes to send, seconds to wait, or something to wait for."""
MODEL = "oracle-1"
SSE = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}
DONE = b"data: [DONE]\n\n"
CUT = asyncio.Event()
"""The connection is cut here."""
HELD = asyncio.Event()
"""Never set: the line is held open."""


def event(data: Any) -> bytes:
    """One event with this JSON."""
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: Any = None, finish: Any = None, **more: Any) -> bytes:
    """A chunk whose only choice has this delta."""
    choices = [{"index": 0, "delta": delta if delta is not None else {}, "finish_reason": finish}]
    return event(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": choices} | more
    )


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")
USAGE = chunk(choices=[], usage={"prompt_tokens": 120, "completion_tokens": 80, "total_tokens": 200})


def say(text: str) -> bytes:
    """A chunk with this text."""
    return chunk({"content": text})


def words(text: str, *, every: float = 0.0) -> list[Step]:
    """The text, a chunk a word."""
    steps: list[Step] = []
    for word in text.split(" "):
        steps += [say(word if not steps else f" {word}"), *([every] if every else [])]
    return steps


@dataclass
class Play:
    """The answer to one call."""

    steps: Iterable[Step]
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(SSE))


def whole(text: str, *, every: float = 0.0, finish: str = "stop") -> Play:
    """A good answer."""
    return Play([ROLE, *words(text, every=every), chunk({}, finish), USAGE, DONE])


def refusal(status: int, error: Any, **headers: str) -> Play:
    """An answer with an error's status; ``error`` is JSON, or text as it is."""
    body = error.encode() if isinstance(error, str) else json.dumps(error).encode()
    kind = {"content-type": "text/html"} if isinstance(error, str) else JSON
    return Play([body], status, kind | {name.replace("_", "-"): value for name, value in headers.items()})


class ModelServer:
    """Plays its plays in their order, the last one again and again; ``choose`` decides by the request instead."""

    def __init__(self, *plays: Play) -> None:
        self.plays = list(plays)
        self.choose: Callable[[dict[str, Any]], Play] | None = None
        self.calls: list[Request] = []
        self.broken = 0
        """Calls whose client went away before the end."""
        self.url = ""

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The bodies of the calls."""
        return [call.json() for call in self.calls]

    def _play(self, request: Request) -> Play:
        if self.choose is not None:
            return self.choose(request.json())
        return self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_request(reader)
            self.calls.append(request)
            play = self._play(request)
            lines = [f"HTTP/1.1 {play.status} -", "connection: close", "transfer-encoding: chunked"]
            lines += [f"{name}: {value}" for name, value in play.headers.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
            gone = asyncio.create_task(reader.read())
            try:
                for step in play.steps:
                    if step is CUT:
                        writer.transport.abort()
                        return
                    await self._step(step, writer, gone)
                writer.write(b"0\r\n\r\n")
            finally:
                gone.cancel()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.broken += 1
        finally:
            writer.close()

    @staticmethod
    async def _step(step: Step, writer: asyncio.StreamWriter, gone: asyncio.Task[bytes]) -> None:
        if isinstance(step, bytes):
            if not step:
                return
            writer.write(b"%x\r\n%b\r\n" % (len(step), step))
            await writer.drain()
            if gone.done():
                raise ConnectionResetError
            return
        waiting = asyncio.create_task(asyncio.sleep(step) if isinstance(step, float) else step.wait())
        done, _ = await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if gone in done:
            raise ConnectionResetError

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The base address while the context lasts."""
        talks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
            talks.add(task)
            task.add_done_callback(talks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        try:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            yield self.url
        finally:
            server.close()
            for task in talks:
                task.cancel()
            await asyncio.gather(*talks, return_exceptions=True)
            await server.wait_closed()
