"""Telegram, played by somebody who answers at once: the bench measures the shop, not the messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

_MESSAGE = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "-"}
_RESULTS: dict[str, Any] = {
    "getMe": {"id": 1, "is_bot": True, "first_name": "Souk", "username": "souk_bot"},
    "sendMessage": _MESSAGE,
    "sendDocument": _MESSAGE,
}
"""What is answered to a method; to all others, True."""


def _encode(status: int, said: Any) -> bytes:
    body = json.dumps(said).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _take(method: str) -> bytes:
    return _encode(200, {"ok": True, "result": _RESULTS.get(method, True)})


@contextlib.asynccontextmanager
async def _telegram(answer: Callable[[str], bytes]) -> AsyncIterator[str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, _, rest = head.lower().partition(b"content-length:")
                if rest:
                    await reader.readexactly(int(rest.partition(b"\r\n")[0]))
                else:  # in pieces, each after its length
                    while size := int(await reader.readuntil(b"\r\n"), 16):
                        await reader.readexactly(size + 2)
                    await reader.readexactly(2)
                writer.write(answer(head.split(b" ", 2)[1].rpartition(b"/")[2].decode()))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def answering_telegram() -> contextlib.AbstractAsyncContextManager[str]:
    """The address of one that takes everything."""
    return _telegram(_take)
