"""Launching a Mini App: truly signed initData and the address with Telegram's launch parameters."""

import base64
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.simulator.model import Persona
from bot.simulator.state import World

VERSION = "9.1"
PLATFORM = "weba"

THEMES: dict[str, dict[str, str]] = {
    "light": {
        "bg_color": "#ffffff", "text_color": "#000000", "hint_color": "#8e8e93", "link_color": "#007aff",
        "button_color": "#007aff", "button_text_color": "#ffffff", "secondary_bg_color": "#efeff4",
        "header_bg_color": "#f8f8f8", "bottom_bar_bg_color": "#f8f8f8", "accent_text_color": "#007aff",
        "section_bg_color": "#ffffff", "section_header_text_color": "#6d6d72",
        "section_separator_color": "#c8c7cc", "subtitle_text_color": "#8e8e93",
        "destructive_text_color": "#ff3b30",
    },
    "dark": {
        "bg_color": "#000000", "text_color": "#ffffff", "hint_color": "#98989e", "link_color": "#3e88f7",
        "button_color": "#3e88f7", "button_text_color": "#ffffff", "secondary_bg_color": "#1c1c1d",
        "header_bg_color": "#1c1c1d", "bottom_bar_bg_color": "#1c1c1d", "accent_text_color": "#3e88f7",
        "section_bg_color": "#2c2c2e", "section_header_text_color": "#8d8e93",
        "section_separator_color": "#545458", "subtitle_text_color": "#98989e",
        "destructive_text_color": "#eb5545",
    },
}  # fmt: skip


def sign(fields: dict[str, str], bot_token: str, ed25519_seed: bytes | None = None) -> str:
    """Return the fields as an initData query string with `hash`, and `signature` where a seed is given.

    Source: core.telegram.org/bots/webapps, "Validating data received via the Mini App" and "for Third-Party Use".
    """
    signed = dict(fields)
    if ed25519_seed is not None:
        bot_id = bot_token.partition(":")[0]
        message = f"{bot_id}:WebAppData\n" + "\n".join(f"{key}={value}" for key, value in sorted(signed.items()))
        signature = Ed25519PrivateKey.from_private_bytes(ed25519_seed).sign(message.encode())
        signed["signature"] = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    check_string = "\n".join(f"{key}={value}" for key, value in sorted(signed.items()))
    secret = hmac.new(b"WebAppData", bot_token.encode(), hashlib.sha256).digest()
    signed["hash"] = hmac.new(secret, check_string.encode(), hashlib.sha256).hexdigest()
    return urlencode(signed, quote_via=quote)


def make_init_data(
    world: World, persona: Persona, start_param: str | None = None, auth_date: int | None = None, direct: bool = False
) -> str:
    """Return fresh initData for a person.

    `auth_date` (Unix seconds) overrides now; `direct` makes the fields of a t.me link instead of a button's.
    """
    user: dict[str, Any] = msgspec.to_builtins(persona.user())
    del user["is_bot"]
    user.setdefault("last_name", "")
    user["allows_write_to_pm"] = persona.started or persona.allows_write
    if user["allows_write_to_pm"] is False:
        del user["allows_write_to_pm"]
    fields = {
        "user": msgspec.json.encode(user).decode(),
        "auth_date": str(world.now() if auth_date is None else auth_date),
    }
    if direct or start_param:
        digest = hashlib.sha256(f"{world.config.bot_id}:{persona.id}".encode()).digest()
        fields["chat_instance"] = str(int.from_bytes(digest[:8], "big", signed=True))
        fields["chat_type"] = "sender"
        if start_param:
            fields["start_param"] = start_param
    else:
        fields["query_id"] = f"AAF{secrets.token_urlsafe(12)}"
    return sign(fields, world.config.bot_token, world.config.ed25519_seed)


def launch_url(address: str, init_data: str, theme: str, start_param: str | None = None) -> str:
    """Return the Mini App's address with the launch parameters in its hash, as Telegram Web opens it."""
    parts = urlsplit(address)
    query = parts.query
    if start_param:
        query = "&".join(filter(None, [query, urlencode({"tgWebAppStartParam": start_param})]))
    launch = {
        "tgWebAppData": init_data,
        "tgWebAppVersion": VERSION,
        "tgWebAppPlatform": PLATFORM,
        "tgWebAppThemeParams": msgspec.json.encode(THEMES.get(theme, THEMES["light"])).decode(),
    }
    if not init_data:
        del launch["tgWebAppData"]
    fragment = "&".join(filter(None, [parts.fragment, urlencode(launch, quote_via=quote, safe="")]))
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, fragment))


def public_key_hex(seed: bytes) -> str:
    """Return the public key that checks our third-party signatures, as hexadecimal digits."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()
