"""Which class of failure an error of a model's server is."""

from __future__ import annotations

import re
from typing import Any, Final

from backend.readings.gateways.openai_compatible.chunks import field
from backend.readings.ports import InterpretationFailed
from backend.readings.types import Failure

_QUOTA: Final = re.compile(r"insufficient_quota|quota|billing|credit|balance|payment", re.IGNORECASE)
_FILTERED: Final = re.compile(
    r"content_filter|content_policy|content management|moderation|flagged|responsibleai", re.IGNORECASE
)
_RATE: Final = re.compile(r"rate.?limit|too many requests|overloaded", re.IGNORECASE)
_KEY: Final = re.compile(r"invalid_api_key|unauthorized|authentication|permission", re.IGNORECASE)
_BY_WORDS: Final = (
    (Failure.REFUSED, _FILTERED, {0, 400, 403, 422}),
    (Failure.QUOTA, _QUOTA, {0, 403, 429}),
    (Failure.RATE_LIMITED, _RATE, {0}),
    (Failure.AUTH, _KEY, {0}),
)
_BY_STATUS: Final = {
    401: Failure.AUTH, 402: Failure.QUOTA, 403: Failure.AUTH, 408: Failure.TIMEOUT_FIRST, 429: Failure.RATE_LIMITED,
    504: Failure.TIMEOUT_FIRST,
}  # fmt: skip
_ERRORS: Final = 400
_SERVER_ERRORS: Final = 500
_LONGEST_DETAIL: Final = 300
_DROPPABLE: Final = ("max_completion_tokens", "max_tokens", "temperature", "stream_options")


def _status(value: Any) -> int:
    try:
        status = int(value)
    except (TypeError, ValueError):
        return 0
    return status if 100 <= status < 600 else 0


def _words(fault: Any) -> str:
    parts = (field(fault, name) for name in ("code", "type", "message"))
    return " ".join(str(part) for part in parts if part is not None)


def failure_of(status: int, words: str) -> Failure:
    """The class of an error with an HTTP status (0 for none) and what the server said."""
    for failure, pattern, statuses in _BY_WORDS:
        if status in statuses and pattern.search(words):
            return failure
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= _SERVER_ERRORS:
        return Failure.UNREACHABLE
    return Failure.BAD_REQUEST if status >= _ERRORS else Failure.GARBAGE


def of_fault(fault: Any) -> InterpretationFailed:
    """An error object that came in a stream, or with status 200."""
    words = _words(fault)
    failure = failure_of(_status(field(fault, "code")) or _status(field(fault, "status")), words)
    return InterpretationFailed(failure, words[:_LONGEST_DETAIL])


def _wait(headers: Any) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def of_error(error: Exception) -> InterpretationFailed:
    """An exception of the library, or one that it lets through."""
    import httpx2  # noqa: PLC0415 - with openai
    import openai  # noqa: PLC0415 - lazy

    if isinstance(error, InterpretationFailed):
        return error
    if isinstance(error, openai.APITimeoutError):
        connecting = isinstance(error.__cause__, httpx2.ConnectTimeout)
        return InterpretationFailed(Failure.UNREACHABLE if connecting else Failure.TIMEOUT_FIRST, repr(error.__cause__))
    if isinstance(error, (openai.APIConnectionError, httpx2.TransportError, OSError)):
        return InterpretationFailed(Failure.UNREACHABLE, repr(error.__cause__ or error)[:_LONGEST_DETAIL])
    if isinstance(error, openai.APIStatusError):
        words = _words(error.body) if isinstance(error.body, dict) else str(error.body or "")
        text = f"{error.status_code} {words}"[:_LONGEST_DETAIL]
        failure = failure_of(error.status_code, f"{words} {error.code or ''}")
        return InterpretationFailed(failure, text, wait=_wait(error.response.headers))
    if isinstance(error, openai.APIError):
        fault = error.body if isinstance(error.body, dict) else {"message": error.body or error.message}
        return of_fault({"code": error.code, **fault})
    # What remains are JSON and UTF-8 that cannot be read: ValueErrors, or something nobody has met yet.
    return InterpretationFailed(Failure.GARBAGE, repr(error)[:_LONGEST_DETAIL])


def disliked_parameter(error: Exception, sent: dict[str, Any]) -> str | None:
    """The optional parameter of ``sent`` that the server does not take, by its answer 400 or 422."""
    import openai  # noqa: PLC0415 - lazy

    if not isinstance(error, (openai.BadRequestError, openai.UnprocessableEntityError)):
        return None
    # The named parameter first; else whichever is spoken of. FastAPI's servers answer with a list of places.
    said = f"{error.param or ''} {error.body!r} {error.message}"
    if error.param in _DROPPABLE and error.param in sent:
        return error.param
    # "Use max_completion_tokens instead" names both: the one that was sent is meant.
    return next((name for name in _DROPPABLE if name in sent and re.search(rf"\b{name}\b", said)), None)
