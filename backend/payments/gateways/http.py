"""Calls to providers' APIs: one client, one way to fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from backend.payments.errors import ProviderBusy, ProviderDown

_TIMEOUT_SECONDS: Final = 15.0
# Time is out, another call is at work on the same thing, too early, too many: the same call may succeed later, and what
# it asks for may even be done by the other.
_NOT_NOW: Final = frozenset({408, 409, 425, 429})
_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500


class HttpAnswer:
    """What a provider's API said."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        """The HTTP status, 200 to 499."""
        return self._response.status_code

    @property
    def body(self) -> bytes:
        """The body as it came."""
        return self._response.content

    def json(self) -> Any:
        """The body read as JSON. Raises ProviderDown for anything else."""
        try:
            return self._response.json()
        except ValueError as error:
            raise ProviderDown(f"{self._response.url.host} did not answer with JSON") from error


class HttpClient:
    """Connects on first use; follows no redirects, so that credentials stay with the host they are for."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def call(
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
    ) -> HttpAnswer:
        """One call and its answer, whatever its status below 500.

        Raises ProviderDown for 5xx, for 408, 409, 425 and 429, and for no answer.
        """
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS)
        try:
            response = await self._client.request(
                method, url, headers=headers, params=params, json=json, data=data, auth=auth, content=content
            )
        except httpx.HTTPError as error:
            raise ProviderDown(f"{httpx.URL(url).host}: {type(error).__name__}") from error
        if response.status_code == _TOO_MANY:
            raise ProviderBusy(f"{httpx.URL(url).host} answered {_TOO_MANY}")
        if response.status_code >= _SERVER_ERRORS or response.status_code in _NOT_NOW:
            raise ProviderDown(f"{httpx.URL(url).host} answered {response.status_code}")
        return HttpAnswer(response)

    async def close(self) -> None:
        """Close the connections, where there are any."""
        if self._client is not None:
            await self._client.aclose()
