"""How long a client may take to send what it has announced: no request holds a place without limit."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from litestar.exceptions import HTTPException
from litestar.types import Receive

SILENT_SECONDS: Final = 15.0
"""The longest pause within a body."""
FIRST_SECONDS: Final = 20.0
SLOWEST_BYTES: Final = 4096
"""A body may take FIRST_SECONDS, and a second more for each so many bytes of it that have come."""


def timed(receive: Receive) -> Receive:
    """``receive`` with time limits until the body is whole. Raises HTTPException 408 from within the handler."""
    started = time.monotonic()
    came = 0
    whole = False

    async def timed_receive() -> Any:
        nonlocal came, whole
        if whole:  # what comes now is the end of the connection, which may be far away
            return await receive()
        left = started + FIRST_SECONDS + came / SLOWEST_BYTES - time.monotonic()
        try:
            async with asyncio.timeout(max(min(SILENT_SECONDS, left), 0)):
                message = await receive()
        except TimeoutError:
            raise HTTPException(status_code=408, detail="the body came too slowly") from None
        body: bytes = message.get("body", b"") if message["type"] == "http.request" else b""
        came += len(body)
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return timed_receive
