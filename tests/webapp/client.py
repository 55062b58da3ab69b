"""A browser in Telegram: truly signed initData, the session token kept, htmx's headers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from litestar import Litestar

from tests.factories.init_data import init_data


def browser(app: Litestar, address: str = "203.0.113.7") -> httpx.AsyncClient:
    """An HTTP client on the app itself, calling from ``address``."""
    transport = httpx.ASGITransport(app=app, client=(address, 40_000))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://souk.test")


class Visitor:
    """One person's web view. ``token`` is the session token that the latest answer carried."""

    def __init__(self, client: httpx.AsyncClient, bot_token: str, now: float, telegram_id: int, **fields: Any) -> None:
        self.client = client
        self.init_data = init_data(bot_token, now, telegram_id, **fields)
        self.token: str | None = None

    async def ask(self, method: str, path: str, *, html: bool = True, **more: Any) -> httpx.Response:
        """One request as app.js makes it: by session token, or by initData before there is one."""
        headers = {"Authorization": f"Bearer {self.token}" if self.token else f"tma {self.init_data}"}
        if html:
            headers["HX-Request"] = "true"
        headers |= more.pop("headers", {})
        response = await self.client.request(method, path, headers=headers, **more)
        self.token = response.headers.get("X-Session-Token", self.token)
        return response

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """A GET."""
        return await self.ask("GET", path, **more)

    async def post(self, path: str, **more: Any) -> httpx.Response:
        """A POST."""
        return await self.ask("POST", path, **more)


class OpenStream:
    """Calls the app as a server does, so that a stream can be read while it is open."""

    def __init__(self, app: Any, url: str, **headers: str) -> None:
        path, _, query = url.partition("?")
        self.scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [
                (b"accept", b"text/event-stream"), (b"accept-encoding", b"gzip"),
                *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": ("203.0.113.9", 1), "server": ("souk.test", 80),
        }  # fmt: skip
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.task = asyncio.create_task(app(self.scope, self._receive, self.sent.put))

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def message(self) -> Any:
        """The next part of the answer: its start, then pieces of its body."""
        return await asyncio.wait_for(self.sent.get(), 20)

    async def leave(self) -> None:
        """Hang up."""
        self.gone.set()
        await asyncio.wait_for(asyncio.gather(self.task, return_exceptions=True), 20)
