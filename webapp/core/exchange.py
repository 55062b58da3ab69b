"""One request and its answer, as the pipeline handles them: what was asked, and what is sent back."""

from __future__ import annotations

import gzip
import re
from typing import Any, Final

from backend.kernel.text import Locale
from webapp.core.page_cache import SharedPage

Headers = tuple[tuple[bytes, bytes], ...]
REFUSED: Final = frozenset({401, 403})
"""The answers to who is not let in."""
_COMPRESSED: Final = (b"text/html", b"application/json", b"text/csv", b"text/plain", b"image/svg+xml")
_MIN_COMPRESSED: Final = 700
_GZIP_LEVEL: Final = 4
_NO_GZIP: Final = re.compile(rb"gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|\Z)")
_PERSONAL: Final = frozenset({b"content-length", b"content-encoding", b"x-session-token", b"x-request-id"})


class Asked:
    """The request's headers that the pipeline looks at."""

    __slots__ = ("accepts", "authorization", "etag", "gzip", "htmx", "language", "start", "target", "timezone")

    def __init__(self, headers: Any) -> None:
        self.authorization: bytes | None = None
        self.htmx = self.gzip = False
        self.etag = self.language = self.target = self.timezone = self.start = self.accepts = b""
        for name, value in headers:
            if name == b"authorization":
                # Two of them: nobody honest sends that, and each reader might believe the other one.
                self.authorization = value if self.authorization is None else b"twice"
            elif name == b"hx-request":
                self.htmx = True
            elif name == b"accept-encoding":
                self.gzip = b"gzip" in value and not (b"q=0" in value and _NO_GZIP.search(value))
            elif name == b"hx-target":
                self.target = value
            elif name == b"if-none-match":
                self.etag = value
            elif name == b"accept-language":
                self.language = value
            elif name == b"x-timezone":
                self.timezone = value
            elif name == b"x-start-param":
                self.start = value
            elif name == b"accept":
                self.accepts = value


class Exchange:
    """One request and its answer: adds headers, compresses what is whole, and remembers what was sent."""

    __slots__ = (
        "_held", "_send", "_site_headers", "asked", "capture", "captured", "error_code", "personal", "reference",
        "status",
    )  # fmt: skip

    def __init__(self, send: Any, asked: Asked, site_headers: Headers, reference: str) -> None:
        self._send = send
        self._site_headers = site_headers
        self._held: Any = None
        self.asked = asked
        self.reference = reference
        self.personal: Headers = ((b"x-request-id", self.reference.encode()),)
        self.status = 0
        self.error_code = ""
        self.capture = False
        self.captured: SharedPage | None = None

    async def send(self, message: Any) -> None:
        """Pass a message of the app on."""
        if message["type"] == "http.response.start":
            self._held = message
            return
        held, self._held = self._held, None
        if held is None:
            await self._send(message)
            return
        body: bytes = message.get("body", b"") if message["type"] == "http.response.body" else b""
        self.status = held["status"]
        if message.get("more_body"):
            headers = (*held["headers"], *self._site_headers, *self.personal)
            await self._send({**held, "headers": headers})
            await self._send(message)
            return
        await self._whole(held["status"], tuple(held["headers"]), body)

    async def _whole(self, status: int, headers: Headers, body: bytes) -> None:
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        squeeze = len(body) >= _MIN_COMPRESSED and kind.startswith(_COMPRESSED)
        if squeeze and any(name == b"content-encoding" for name, _ in headers):
            squeeze = False
        if self.capture and status == 200:
            shared = tuple(item for item in headers if item[0] not in _PERSONAL)
            self.captured = SharedPage(shared, body, gzip.compress(body, _GZIP_LEVEL, mtime=0) if squeeze else b"")
            await self.reply_shared(self.captured)
            return
        if squeeze and self.asked.gzip:
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers = (
                *(item for item in headers if item[0] != b"content-length"),
                (b"content-length", str(len(body)).encode()),
                (b"content-encoding", b"gzip"),
            )
        await self.reply(status, headers, body)

    async def reply_shared(self, page: SharedPage) -> None:
        """Answer with a shared page, compressed where the reader takes it."""
        packed = self.asked.gzip and page.gzipped
        body = page.gzipped if packed else page.body
        length = (b"content-length", str(len(body)).encode())
        headers = (*page.headers, length, (b"content-encoding", b"gzip")) if packed else (*page.headers, length)
        await self.reply(200, headers, body)

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer at once; the headers must hold the length where there is a body."""
        self.status = status
        if status in REFUSED:
            self.error_code = next((value.decode() for name, value in headers if name == b"x-error-code"), "")
        start: Any = {
            "type": "http.response.start",
            "status": status,
            "headers": (*headers, *self._site_headers, *self.personal),
        }
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


def locale_of(accept_language: bytes, default: Locale) -> Locale:
    """The language for an unknown visitor: the first that their browser prefers."""
    return Locale.closest(accept_language.decode("latin-1").split(",")[0].split(";")[0].strip(), default)


def wants_html(path: str, asked: Asked) -> bool:
    """Whether an error is shown as a page: to htmx and to a browser that navigates, never under /api."""
    return asked.htmx or (b"text/html" in asked.accepts and not path.startswith(("/api/", "/hooks/")))
