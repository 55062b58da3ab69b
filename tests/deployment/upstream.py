"""A small app that stands behind Caddy in its tests: it tells what reached it."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from typing import Any

PAGE = ("<!doctype html><title>shell</title>" + "<p>The same bytes for everybody.</p>" * 60).encode()
NAME = os.environ.get("UPSTREAM_NAME", "web")
_posts = 0
_go = asyncio.Event()


async def _answer(
    send: Any, status: int, body: bytes, kind: bytes = b"text/plain", *headers: tuple[bytes, bytes]
) -> None:
    own = ((b"content-type", kind), (b"x-upstream", NAME.encode()), (b"x-powered-by", b"tests"), *headers)
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _stream(send: Any) -> None:
    headers = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    await _go.wait()
    _go.clear()
    await send({"type": "http.response.body", "body": b"data: second\n\n", "more_body": False})


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The app."""
    global _posts  # noqa: PLW0603 - one process, one count
    if scope["type"] != "http":
        return
    path, headers = scope["path"], dict(scope["headers"])
    if path in {"/live", "/live/reading/01890000-0000-7000-8000-000000000000"}:
        await _stream(send)
    elif path == "/go":
        _go.set()
        await _answer(send, 200, b"gone")
    elif path == "/gzipped":
        await _answer(send, 200, gzip.compress(PAGE), b"text/html", (b"content-encoding", b"gzip"))
    elif path == "/static/app.css":
        cached = (b"cache-control", b"public, max-age=31536000, immutable")
        await _answer(send, 200, b"a{color:red}" * 200, b"text/css", cached, (b"etag", b'"v1"'))
    elif path == "/missing":
        await _answer(send, 404, b"our own page about that", b"text/html")
    elif path == "/broken":
        await _answer(send, 503, b"our own page about that", b"text/html")
    elif scope["method"] == "POST":
        _posts += 1
        number = _posts
        received = {"path": path, "process": os.getpid(), "number": number, "length": len(await _body(receive))}
        await _answer(send, 200, json.dumps(received).encode(), b"application/json")
    elif path == "/headers":
        received = {name.decode(): value.decode() for name, value in headers.items()}
        await _answer(send, 200, json.dumps(received).encode(), b"application/json")
    else:
        await _answer(send, 200, PAGE, b"text/html; charset=utf-8")
