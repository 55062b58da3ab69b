"""Stripe's library on the shop's HTTP client. Imported only if Stripe is enabled, since it is slow to load."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec
import stripe

from backend.payments.errors import BadWebhook, ProviderDown
from backend.payments.gateways import reading
from backend.payments.ports import Http

TOLERANCE_SECONDS: Final = 300
_PAGE: Final = 100
# A parallel call for the same thing.
_NOT_NOW: Final = frozenset({"lock_timeout", "idempotency_key_in_use"})


class _Named(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool = False


class _Transport(stripe.HTTPClient):
    """Sends the library's requests by the shop's client, to the configured URL only."""

    name = "souk"

    def __init__(self, http: Http, base: str) -> None:
        super().__init__()
        self._http = http
        self._base = base

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request. Raises ProviderDown as ``Http.call`` does, and for any other URL."""
        if not url.startswith(f"{self._base}/"):
            raise ProviderDown("stripe: a request to another URL")
        content = post_data.encode() if isinstance(post_data, str) else None
        said = await self._http.call(method.upper(), url, headers=headers, content=content)
        try:
            said.body.decode()
        except UnicodeDecodeError as error:
            raise ProviderDown("stripe did not answer in UTF-8") from error
        # Without the answer's headers the library has no metrics to send with the next request.
        return said.body, said.status, {}


class StripeApi:
    """Calls of one account, and the verification of its events."""

    def __init__(self, *, http: Http, secret_key: str, webhook_secret: str, url: str) -> None:
        # Otherwise the library writes an id of this machine into the home folder and sends it.
        stripe.enable_telemetry = False
        base = url.rstrip("/")
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": base, "files": base, "connect": base, "meter_events": base},
            http_client=_Transport(http, base),
            max_network_retries=0,  # callers retry
        )
        self._webhook_secret = webhook_secret

    async def call(self, method: str, path: str, kind: type[reading.T], *, key: str = "", **asked: Any) -> reading.T:
        """Call the API; ``key`` makes it idempotent. Raises ProviderDown, reading.Refused."""
        options: dict[str, Any] = {"idempotency_key": key} if key else {}
        try:
            said = await self._client.raw_request_async(method, path, **asked, **options)
        except (stripe.InvalidRequestError, stripe.CardError) as error:
            if error.code in _NOT_NOW:
                raise ProviderDown(f"stripe: {error.code}") from error
            raise reading.Refused(f"stripe: {error.code or 'refused'}") from error
        except stripe.StripeError as error:
            raise ProviderDown(f"stripe: {type(error).__name__}") from error
        return reading.decode(said.body.encode(), kind, ProviderDown)

    async def pages(self, path: str, kind: type[reading.T], **asked: Any) -> AsyncIterator[reading.T]:
        """All items of a list, over all pages."""
        after: dict[str, str] = {}
        while True:
            page = await self.call("get", path, _List, limit=_PAGE, **asked, **after)
            for item in page.data:
                yield reading.decode(bytes(item), kind, ProviderDown)
            if not page.has_more or not page.data:
                return
            after = {"starting_after": reading.decode(bytes(page.data[-1]), _Named, ProviderDown).id}

    def verify(self, body: bytes, signature: str) -> None:
        """Raises BadWebhook unless Stripe has signed ``body`` within the last five minutes."""
        try:
            self._client.construct_event(body, signature, self._webhook_secret, TOLERANCE_SECONDS)
        # For a signed text that is no event, the library raises any of these.
        except (stripe.StripeError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise BadWebhook(f"stripe: {type(error).__name__}") from error
