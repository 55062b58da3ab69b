"""Authentication: Telegram's initData at login, signed session tokens afterwards, signed addresses for the rest."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections import OrderedDict
from typing import Final
from urllib.parse import unquote_to_bytes
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from itsdangerous import BadSignature, Signer, TimestampSigner
from itsdangerous.signer import SigningAlgorithm

from backend.identity.types import Actor, Contact
from backend.kernel.clock import Clock
from backend.kernel.errors import AppError, Kind
from backend.kernel.ids import UserId

MAX_INIT_DATA: Final = 8192
"""Bytes. Telegram's own is mostly under 1.5 KB; the longest names of emoji, of a person and a chat, make it 5 KB."""
MAX_TOKEN: Final = 512
SKEW_SECONDS: Final = 30
_MAX_FIELDS: Final = 32
_MAX_TELEGRAM_ID: Final = 2**52  # Telegram promises at most 52 significant bits
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")
_AUTH_DATE: Final = re.compile(r"[0-9]{1,11}\Z", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}\Z")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_CACHED_TOKENS: Final = 20_000
_RENEWALS: Final = 7
"""A session that is used is renewed for at most this many lifetimes; then Telegram is asked again."""
_MEDIA_STEP: Final = 43_200


class Unauthenticated(AppError):
    """No credentials, or invalid ones."""

    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED


class InitDataExpired(AppError):
    """Telegram did sign this initData, but too long ago for a login."""

    code = "init_data_expired"
    kind = Kind.UNAUTHENTICATED


class SessionExpired(AppError):
    """The session token is ours and has expired."""

    code = "session_expired"
    kind = Kind.UNAUTHENTICATED


class LinkExpired(AppError):
    """A signed address has expired, was changed, or belongs to somebody else."""

    code = "link_expired"
    kind = Kind.FORBIDDEN


class _TelegramUser(msgspec.Struct):
    id: int
    first_name: str = ""
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    is_premium: bool = False
    is_bot: bool = False
    photo_url: str | None = None


_USER: Final = msgspec.json.Decoder(_TelegramUser)


def _fields(text: str) -> dict[str, str]:
    """Names and values of initData, each exactly once, decoded strictly. Raises Unauthenticated."""
    if not 0 < len(text) <= MAX_INIT_DATA or not text.isascii():
        raise Unauthenticated("initData is empty, too long, or not ASCII")
    fields: dict[str, str] = {}
    for part in text.split("&", _MAX_FIELDS):
        name, equals, encoded = part.partition("=")
        if not equals or not _NAME.match(name) or name in fields or _BAD_ESCAPE.search(encoded):
            raise Unauthenticated("a field of initData is malformed or comes twice")
        try:
            value = unquote_to_bytes(encoded.replace("+", " ")).decode()
        except UnicodeDecodeError:
            raise Unauthenticated("a field of initData is not UTF-8") from None
        # The check string separates fields by line feeds: a value that holds one could stand for two fields.
        if _CONTROL.search(value):
            raise Unauthenticated("a field of initData holds a control character")
        fields[name] = value
    return fields


def _check_string(fields: dict[str, str], *without: str) -> str:
    return "\n".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in without)


class InitDataCheck:
    """Verifies initData: HMAC always, Ed25519 too where a key is given and a signature is there.

    ``max_age`` in seconds. ``ed25519_key`` is Telegram's public key as hex, or empty.
    Source: core.telegram.org/bots/webapps, "Validating data received via the Mini App".
    """

    def __init__(self, bot_token: str, clock: Clock, *, max_age: int, ed25519_key: str = "") -> None:
        self._secret = hmac.digest(b"WebAppData", bot_token.encode(), "sha256")
        self._bot_id = bot_token.partition(":")[0]
        self._clock = clock
        self._max_age = max_age
        self._public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(ed25519_key)) if ed25519_key else None

    def contact(self, init_data: str, *, timezone: str | None = None) -> Contact:
        """The person whom Telegram vouches for. Raises Unauthenticated, InitDataExpired."""
        fields = _fields(init_data)
        self._check_hash(fields)
        if self._public is not None and "signature" in fields:
            self._check_signature(self._public, fields)
        self._check_age(fields.get("auth_date", ""))
        try:
            user = _USER.decode(fields.get("user", ""))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Unauthenticated("initData names no user") from None
        if user.is_bot or not 0 < user.id < _MAX_TELEGRAM_ID:
            raise Unauthenticated("initData names no person")
        return Contact(
            telegram_id=user.id,
            first_name=user.first_name,
            last_name=user.last_name,
            username=user.username,
            language_code=user.language_code,
            is_premium=user.is_premium,
            photo_url=user.photo_url,
            start_param=fields.get("start_param"),
            timezone=timezone,
        )

    def _check_hash(self, fields: dict[str, str]) -> None:
        given = fields.get("hash", "")
        if not _HASH.match(given):
            raise Unauthenticated("initData has no proper hash")
        expected = hmac.digest(self._secret, _check_string(fields, "hash").encode(), "sha256").hex()
        if not hmac.compare_digest(given, expected):
            raise Unauthenticated("the hash of initData does not fit")

    def _check_signature(self, public: Ed25519PublicKey, fields: dict[str, str]) -> None:
        given = fields["signature"].rstrip("=")
        try:
            signature = base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True)
            message = f"{self._bot_id}:WebAppData\n" + _check_string(fields, "hash", "signature")
            public.verify(signature, message.encode())
        except (binascii.Error, ValueError, InvalidSignature):
            raise Unauthenticated("the signature of initData does not fit") from None

    def _check_age(self, auth_date: str) -> None:
        if not _AUTH_DATE.match(auth_date):
            raise Unauthenticated("initData has no proper auth_date")
        age = self._clock.now().timestamp() - int(auth_date)
        if age < -SKEW_SECONDS:
            raise Unauthenticated("initData comes from the future")
        if age > self._max_age:
            raise InitDataExpired("initData is too old")


class Session(msgspec.Struct, frozen=True):
    """What a session token says; times are seconds since 1970."""

    user_id: UserId
    role_version: int
    login_at: int
    issued_at: int
    id: UUID | None = None
    """None in tokens of before sessions had ids: they hold until they expire."""


def session_id_of(init_data: str) -> UUID:
    """The session that verified initData opens: by what Telegram has signed, however its fields are ordered.

    Always the same one, so that ending it ends what it would open again.
    """
    signed = _fields(init_data)["hash"]
    return UUID(bytes=hashlib.sha256(f"session {signed}".encode()).digest()[:16], version=5)


_PLATFORMS: Final = (
    ("iphone", "iphone"), ("ipad", "ipad"), ("android", "android"), ("macintosh", "mac"), ("windows", "windows"),
    ("linux", "linux"),
)  # fmt: skip


def platform_of(user_agent: str) -> str:
    """What somebody's browser runs on: ``iphone``, ``android``, …, or ``other``."""
    plain = user_agent.lower()
    return next((name for sign, name in _PLATFORMS if sign in plain), "other")


class _ClockedSigner(TimestampSigner):
    """itsdangerous with our clock."""

    def __init__(self, secret: str, salt: str, clock: Clock) -> None:
        super().__init__(secret, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock.now().timestamp())


class SessionTokens:
    """Makes and reads session tokens: signed, timed, bound to a user and to the version of their rights.

    ``lifetime`` in seconds. AccessService.actor_by_id checks that version.
    """

    def __init__(self, secret: str, clock: Clock, *, lifetime: int) -> None:
        self._signer = _ClockedSigner(secret, "souk.session.1", clock)
        self._clock = clock
        self._lifetime = lifetime
        # A token that was verified once needs only its age checked again.
        self._known: OrderedDict[str, Session] = OrderedDict()

    def issue(self, actor: Actor) -> str:
        """Create a token for a person who has just logged in."""
        return self._sign(actor.id, actor.role_version, self._now(), actor.session_id)

    def read(self, token: str) -> Session:
        """Read a token. Raises SessionExpired for one of ours that has expired, Unauthenticated for all others."""
        session = self._known.get(token) or self._verify(token)
        if not 0 <= self._now() - session.issued_at <= self._lifetime:
            raise SessionExpired("the session is over")
        return session

    def renewed(self, session: Session) -> str | None:
        """A fresh token when this one is past half of its life and the login is not too long ago, else None."""
        now = self._now()
        if (now - session.issued_at) * 2 < self._lifetime or now - session.login_at > _RENEWALS * self._lifetime:
            return None
        return self._sign(session.user_id, session.role_version, session.login_at, session.id)

    def _now(self) -> int:
        return self._signer.get_timestamp()

    def _sign(self, user_id: UserId, role_version: int, login_at: int, session_id: UUID | None) -> str:
        tail = f".{session_id.hex}" if session_id else ""
        return self._signer.sign(f"{user_id.hex}.{role_version}.{login_at}{tail}").decode()

    def _verify(self, token: str) -> Session:
        if len(token) > MAX_TOKEN or not token.isascii():
            raise Unauthenticated("the session token is malformed")
        try:
            value, issued = self._signer.unsign(token, return_timestamp=True)
            user, version, login, *rest = value.decode().split(".")
            named = UUID(hex=rest[0]) if rest else None
            session = Session(UserId(UUID(hex=user)), int(version), int(login), int(issued.timestamp()), named)
        except (BadSignature, ValueError, OverflowError):
            raise Unauthenticated("the session token is not ours") from None
        self._known[token] = session
        if len(self._known) > _CACHED_TOKENS:
            self._known.popitem(last=False)
        return session


class SignedAddress(msgspec.Struct, frozen=True):
    """For whom an address was signed; ``user_id`` is None for what every signed-in person may see."""

    user_id: UserId | None
    role_version: int
    session_id: UUID | None = None
    """The session whose page has the address: it ends with it."""


class _HmacSha256(SigningAlgorithm):
    """itsdangerous' HMACAlgorithm of SHA-256, in one call: a page has many addresses."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


class SignedAddresses:
    """Addresses that a browser fetches without headers: bound to path and query, to a person, and to a time."""

    def __init__(self, secret: str, clock: Clock) -> None:
        derived = Signer(secret, salt="souk.address.1", key_derivation="hmac", digest_method=hashlib.sha256)
        # The key is derived once, not for each address of a page.
        self._signer = Signer(derived.derive_key(), key_derivation="none", algorithm=_HmacSha256())
        self._clock = clock

    def sign(self, target: str, actor: Actor, *, seconds: int = 600) -> str:
        """``target`` (path and query) with a ``t`` that holds for this actor and ``seconds``."""
        until = int(self._clock.now().timestamp()) + seconds
        session = f".{actor.session_id.hex}" if actor.session_id else ""
        return self._append(target, f"{actor.id.hex}.{actor.role_version}.{until}{session}")

    def sign_media(self, name: str) -> str:
        """The address of a stored picture, the same for everybody for half a day so that it can be cached."""
        until = (int(self._clock.now().timestamp()) // _MEDIA_STEP + 2) * _MEDIA_STEP
        return self._append(f"/media/{name}", f"-.0.{until}")

    def verify(self, path: str, query: str) -> SignedAddress:
        """For whom this address was signed. Raises LinkExpired; who is asking must still be let in by the caller."""
        rest, separator, token = query.rpartition("t=")
        if not separator or (rest and not rest.endswith("&")) or len(token) > MAX_TOKEN or not token.isascii():
            raise LinkExpired("no signature")
        target = path + ("?" + rest[:-1] if rest else "")
        claim, _, signature = token.rpartition(".")
        if not self._signer.verify_signature(f"{target}\n{claim}", signature):
            raise LinkExpired("the signature does not fit")
        user, version, until, *session = claim.split(".")
        if self._clock.now().timestamp() > int(until):
            raise LinkExpired("its time is over")
        named = UUID(hex=session[0]) if session else None
        return SignedAddress(None if user == "-" else UserId(UUID(hex=user)), int(version), named)

    def _append(self, target: str, claim: str) -> str:
        signature = self._signer.get_signature(f"{target}\n{claim}").decode()
        return f"{target}{'&' if '?' in target else '?'}t={claim}.{signature}"
