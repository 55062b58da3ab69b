"""Calls to other people's servers: one pool of connections, one way to get no answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

_TIMEOUT_SECONDS: Final = 15.0


class NoAnswer(Exception):
    """The server gave no answer; the text names its host, never the address, which may hold a secret."""


class HttpAnswer(msgspec.Struct, frozen=True):
    """An answer of any HTTP status."""

    status: int
    body: bytes


class HttpClient:
    """Connects on first use; follows no redirects, so that credentials stay with the host they are for."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        content: bytes | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> HttpAnswer:
        """Make one call; ``files`` are names and contents by form field. Raises NoAnswer."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS)
        try:
            response = await self._client.request(
                method, url, headers=headers, params=params, json=json, data=data, auth=auth, content=content,
                files=files,
            )  # fmt: skip
        except httpx.HTTPError as error:
            # Without its cause, which knows the whole address.
            raise NoAnswer(f"{httpx.URL(url).host}: {type(error).__name__}") from None
        return HttpAnswer(response.status_code, response.content)

    async def close(self) -> None:
        """Close the connections, where there are any."""
        if self._client is not None:
            await self._client.aclose()
