"""Makes initData as Telegram does: signed by the bot's token, and by Telegram's own key where one is given."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Pairs = list[tuple[str, str]]


def user_json(telegram_id: int = 42, *, slashes: bool = True, **fields: Any) -> str:
    """The ``user`` field; Telegram's server is PHP-like and escapes slashes."""
    person = {"id": telegram_id, "first_name": "Layla", "language_code": "en", **fields}
    text = json.dumps(person, ensure_ascii=False, separators=(",", ":"))
    return text.replace("/", "\\/") if slashes else text


def check_string(pairs: Iterable[tuple[str, str]], *without: str) -> str:
    """The data-check string: sorted ``name=value`` lines."""
    return "\n".join(f"{name}={value}" for name, value in sorted(pairs) if name not in without)


def hash_of(pairs: Pairs, token: str) -> str:
    """The HMAC of every field but ``hash``."""
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    return hmac.new(secret, check_string(pairs, "hash").encode(), hashlib.sha256).hexdigest()


def signature_of(pairs: Pairs, token: str, key: Ed25519PrivateKey) -> str:
    """Telegram's Ed25519 signature, base64url without padding."""
    message = f"{token.partition(':')[0]}:WebAppData\n" + check_string(pairs, "hash", "signature")
    return base64.urlsafe_b64encode(key.sign(message.encode())).rstrip(b"=").decode()


def encode(pairs: Iterable[tuple[str, str]], quoting: Callable[..., str] = quote) -> str:
    """The query string; ``quote`` writes a space as %20, ``quote_plus`` as +."""
    safe = {"safe": ""}
    return "&".join(f"{name}={quoting(value, **safe)}" for name, value in pairs)


def init_data(
    token: str,
    auth_date: float,
    telegram_id: int = 42,
    *,
    user: str | None = None,
    extra: dict[str, str] | None = None,
    key: Ed25519PrivateKey | None = None,
    plus: bool = False,
    **fields: Any,
) -> str:
    """Signed initData of one person at ``auth_date`` (seconds since 1970)."""
    pairs: Pairs = [
        ("query_id", "AAHdF6IQAAAAAN0XohDhrOrc"),
        ("user", user if user is not None else user_json(telegram_id, **fields)),
        ("auth_date", str(int(auth_date))),
        *(extra or {}).items(),
    ]
    if key is not None:
        pairs.append(("signature", signature_of(pairs, token, key)))
    pairs.append(("hash", hash_of(pairs, token)))
    return encode(pairs, quote_plus if plus else quote)


def sign(pairs: Pairs, token: str) -> str:
    """Any fields, with the hash that fits them."""
    return encode([*pairs, ("hash", hash_of(pairs, token))])
