"""Where an error arose, without what it says: for processes whose errors quote what people wrote."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import PurePath
from typing import Any, Final

import structlog

_MOST_CAUSES: Final = 5
_MOST_FRAMES: Final = 12
log = structlog.get_logger(__name__)


def trace(error: BaseException) -> str:
    """The classes of an error and of its causes with their places, one a line; no message and no value."""
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(lines) < _MOST_CAUSES:
        frames = traceback.extract_tb(cause.__traceback__)[-_MOST_FRAMES:]
        places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
        lines.append(" < ".join([type(cause).__qualname__, *places]))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(lines)


def trace_exceptions(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that writes ``trace`` where others write the whole traceback with its messages."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info
    if info is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = trace(error)
    return event


def trace_unheard(loop: asyncio.AbstractEventLoop) -> None:
    """Have errors of tasks that nobody waited for logged without what they say."""

    def note(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        log.error("loop.error", error=trace(error) if isinstance(error, BaseException) else str(context.get("message")))

    loop.set_exception_handler(note)
