"""The HTTP client of all providers: it turns failures into ProviderDown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from backend.infra import http
from backend.infra.http import NoAnswer
from backend.payments.errors import ProviderBusy, ProviderDown

# Timeout, a parallel call for the same thing, too early, too many: the same call may succeed later, or the other call
# may have done it.
_NOT_NOW: Final = frozenset({408, 409, 425, 429})
_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500


class HttpAnswer:
    """The answer of a provider's API."""

    def __init__(self, answer: http.HttpAnswer, host: str) -> None:
        self._host = host
        self.status = answer.status
        """The HTTP status, 200 to 499."""
        self.body = answer.body
        """The body, byte for byte."""

    def json(self) -> Any:
        """Decode the body. Raises ProviderDown if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise ProviderDown(f"{self._host} did not answer with JSON") from error


class HttpClient(http.HttpClient):
    """The HTTP client of the process; ``call`` raises ProviderDown."""

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
        """Send one request and return its answer with any status below 500, except those below.

        Raises ProviderDown for 5xx, 408, 409, 425, a timeout, or a broken connection; ProviderBusy for 429.
        """
        try:
            answer = await self.send(
                method, url, headers=headers, params=params, json=json, data=data, auth=auth, content=content
            )
        except NoAnswer as error:
            raise ProviderDown(str(error)) from error
        host = urlsplit(url).hostname or ""
        if answer.status == _TOO_MANY:
            raise ProviderBusy(f"{host} answered {_TOO_MANY}")
        if answer.status >= _SERVER_ERRORS or answer.status in _NOT_NOW:
            raise ProviderDown(f"{host} answered {answer.status}")
        return HttpAnswer(answer, host)
