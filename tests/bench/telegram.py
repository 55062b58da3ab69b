"""Telegram, played by somebody who refuses every message at once: the bench measures the shop, not the messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

_BODY = b'{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}'
_ANSWER = b"HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY) + _BODY


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            _, _, rest = head.partition(b"content-length:")
            await reader.readexactly(int(rest.partition(b"\r\n")[0] or 0))
            writer.write(_ANSWER)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def refusing_telegram() -> AsyncIterator[str]:
    """Its address."""
    server = await asyncio.start_server(_refuse, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
