"""PayPal's REST API, and the verification of its webhooks. Source: https://developer.paypal.com/api/rest/."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from backend.kernel.clock import Clock
from backend.payments.errors import BadWebhook, ProviderDown
from backend.payments.gateways import reading
from backend.payments.ports import Answer, Http, Memory
from backend.payments.types import Call

_CERTIFICATES: Final = "/v1/notifications/certs/"
_CERTIFICATE: Final = re.compile("[A-Za-z0-9_-]{1,100}")
_ALGORITHM: Final = "SHA256withRSA"
_MOST_KEYS: Final = 8
# Limits on fetching certificates from made-up URLs: so many a minute, and each at most once in a while.
_LOOKUPS: Final = 10
_MISSING_SPAN: Final = timedelta(minutes=10)
_MOST_MISSING: Final = 1000
_LONGEST_ID: Final = 100
# PayPal sends a message again for three days.
_OLDEST: Final = timedelta(days=3, hours=1)
_EARLIEST: Final = timedelta(minutes=10)
_PROVED: Final = "paypal:certificates"
_LOOKUP_SPAN: Final = timedelta(minutes=1)
_EARLY: Final = timedelta(minutes=1)
_OK: Final = range(200, 300)
_UNAUTHORIZED: Final = 401


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int


class _Detail(msgspec.Struct):
    issue: str = ""


class _Problem(msgspec.Struct):
    name: str = ""
    details: list[_Detail] = []


class PayPalApi:
    """Calls of one REST app."""

    def __init__(self, *, http: Http, clock: Clock, client_id: str, secret: str, url: str) -> None:
        self._http = http
        self._clock = clock
        self._auth = (client_id, secret)
        self._url = url.rstrip("/")
        self._token = ""
        self._token_until = clock.now()

    async def call(
        self,
        method: str,
        path: str,
        kind: type[reading.T],
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        key: str = "",
    ) -> reading.T:
        """Call the API; ``key`` makes it idempotent. Raises ProviderDown, reading.Refused with the issue's name."""
        said = await self._send(method, path, body, params, key)
        if said.status == _UNAUTHORIZED:
            self._token = ""  # it may have been revoked early
            said = await self._send(method, path, body, params, key)
        if said.status == _UNAUTHORIZED:
            raise ProviderDown("paypal does not accept PAYPAL_CLIENT_ID and PAYPAL_SECRET")
        if said.status not in _OK:
            problem = reading.answer(said, _Problem)
            raise reading.Refused(next((item.issue for item in problem.details if item.issue), problem.name))
        return reading.answer(said, kind)

    async def _send(self, method: str, path: str, body: Any, params: Mapping[str, str] | None, key: str) -> Answer:
        headers = {"Authorization": f"Bearer {await self._bearer()}", "Prefer": "return=representation"}
        if key:
            headers["PayPal-Request-Id"] = key
        return await self._http.call(method, f"{self._url}{path}", headers=headers, params=params, json=body)

    async def _bearer(self) -> str:
        if not self._token or self._clock.now() >= self._token_until:
            said = await self._http.call(
                "POST", f"{self._url}/v1/oauth2/token", auth=self._auth, data={"grant_type": "client_credentials"}
            )
            if said.status not in _OK:
                raise ProviderDown("paypal does not accept PAYPAL_CLIENT_ID and PAYPAL_SECRET")
            token = reading.answer(said, _Token)
            self._token = token.access_token
            self._token_until = self._clock.now() + timedelta(seconds=token.expires_in) - _EARLY
        return self._token


class PayPalSignature:
    """Verifies by PayPal's certificate that a webhook call is PayPal's, and for this webhook.

    The signature covers the transmission's id and time, the webhook's id, and a CRC32 of the body. Other bodies can be
    given the same CRC32, so someone who saw one call can send it with another body: only ids of the body are used, and
    looked up. Certificates are fetched from PayPal's own hosts only, and cached; ``memory`` keeps the URLs of those
    that verified a call, so that a flood of made-up URLs cannot block them, not even after a restart. Source: https://developer.paypal.com/api/rest/webhooks/rest/.
    """

    def __init__(self, *, http: Http, clock: Clock, memory: Memory, url: str, webhook_id: str) -> None:
        base = url.rstrip("/")
        self._http = http
        self._clock = clock
        self._memory = memory
        self._webhook_id = webhook_id
        # The API is at api-m.…, the certificates are at api.…
        self._hosts = (base, base.replace("https://api-m.", "https://api.", 1))
        self._keys: dict[str, tuple[rsa.RSAPublicKey, datetime]] = {}
        self._lookups: deque[datetime] = deque(maxlen=_LOOKUPS)
        self._missing: dict[str, datetime] = {}
        self._proved: set[str] = set()

    async def verify(self, headers: Mapping[str, str], body: bytes) -> Call:
        """Verify a call. Raises BadWebhook for a forged or old one, ProviderDown without PayPal's certificate."""
        transmission, at, given, address, algorithm = (
            reading.header(headers, f"paypal-{name}")
            for name in ("transmission-id", "transmission-time", "transmission-sig", "cert-url", "auth-algo")
        )
        if algorithm != _ALGORITHM:
            raise BadWebhook("paypal: another algorithm")
        if len(transmission) > _LONGEST_ID:
            raise BadWebhook("paypal: no transmission id")
        self._check_time(at)
        try:
            signature = base64.b64decode(given, validate=True)
        except ValueError as error:
            raise BadWebhook("paypal: no signature") from error
        signed = f"{transmission}|{at}|{self._webhook_id}|{zlib.crc32(body)}".encode()
        try:
            (await self._key(address)).verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise BadWebhook("paypal: wrong signature") from error
        if address not in self._proved:
            self._proved.add(address)
            await self._memory.add(_PROVED, address)
        return Call(transmission, hashlib.sha256(body).hexdigest())

    def _check_time(self, at: str) -> None:
        try:
            age = self._clock.now() - datetime.fromisoformat(at)
        except (ValueError, TypeError, OverflowError) as error:  # a time without its zone is a TypeError
            raise BadWebhook("paypal: no transmission time") from error
        if not -_EARLIEST <= age <= _OLDEST:
            raise BadWebhook("paypal: an old transmission")

    async def _key(self, address: str) -> rsa.RSAPublicKey:
        now = self._clock.now()
        cached = self._keys.get(address)
        if cached is not None and now < cached[1]:
            return cached[0]
        if not any(
            address.startswith(host + _CERTIFICATES) and _CERTIFICATE.fullmatch(address[len(host + _CERTIFICATES) :])
            for host in self._hosts
        ):
            raise BadWebhook("paypal: a certificate from elsewhere")
        await self._check_worth_asking(address, now)
        said = await self._http.call("GET", address)
        if said.status not in _OK:
            while len(self._missing) >= _MOST_MISSING:
                del self._missing[next(iter(self._missing))]
            self._missing[address] = now + _MISSING_SPAN
            raise BadWebhook("paypal: no such certificate")
        key, until = _read_certificate(said.body, now)
        while len(self._keys) >= _MOST_KEYS:
            del self._keys[next(iter(self._keys))]
        self._keys[address] = (key, until)
        return key

    async def _check_worth_asking(self, address: str, now: datetime) -> None:
        """Raises BadWebhook for a URL that does not exist, or beyond the limit of unknown ones.

        PayPal itself is refused only if its certificate changes during a flood of forged calls; it calls again.
        """
        if self._missing.get(address, now) > now:
            raise BadWebhook("paypal: no such certificate")
        if address in self._proved or address in await self._memory.names(_PROVED):
            return
        if len(self._lookups) == _LOOKUPS and now - self._lookups[0] < _LOOKUP_SPAN:
            raise BadWebhook("paypal: too many unknown certificates")
        self._lookups.append(now)


def _read_certificate(pem: bytes, now: datetime) -> tuple[rsa.RSAPublicKey, datetime]:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except ValueError as error:
        raise ProviderDown("paypal showed no certificate") from error
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise BadWebhook("paypal: the certificate has expired")
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadWebhook("paypal: another kind of key")
    return key, certificate.not_valid_after_utc
