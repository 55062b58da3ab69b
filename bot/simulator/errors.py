"""The Bot API's errors, with the words that Telegram uses."""

from typing import Any


class ApiError(Exception):
    """A refused Bot API call: HTTP status, description, and `parameters` such as retry_after (seconds)."""

    def __init__(self, status: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


class ConnectionDropped(Exception):
    """An injected fault: the connection must break in the middle of the answer."""


class NoAnswer(Exception):
    """An injected fault: something before Telegram answers `body` in its place, as a page."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body


def bad_request(what: str) -> ApiError:
    """Build the 400 that Telegram answers, "Bad Request: <what>"."""
    return ApiError(400, f"Bad Request: {what}")


def forbidden(what: str) -> ApiError:
    """Build the 403 that Telegram answers, "Forbidden: <what>"."""
    return ApiError(403, f"Forbidden: {what}")


def too_many_requests(retry_after: int) -> ApiError:
    """Build the 429 that Telegram answers; `retry_after` is in seconds."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})


NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
STALE_QUERY = "query is too old and response timeout expired or query ID is invalid"
