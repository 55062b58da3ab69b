"""Ending asyncio tasks for good."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_AGAIN_SECONDS: Final = 0.5


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel ``tasks`` and wait until all of them have ended, whatever they end with.

    They are asked until they do: a cancellation that meets a time-out inside of them is taken for that time-out, and
    redis-py reads with a time-out of zero before each command. Source: CPython, asyncio.timeout and Task.uncancel.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
