"""The headers of every answer."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from backend.infra.settings import Settings

_PHOTOS: Final = "https://t.me https://*.telegram.org https://*.telesco.pe https://*.cdn-telegram.org"
"""Where Telegram keeps people's photos."""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def content_security_policy(settings: Settings) -> str:
    """Scripts from here and from Telegram only, none inline; shown in Telegram's frames only.

    Styles may be inline because Telegram's script writes some.
    """
    telegram = _origin(settings.telegram_script_url)
    rules = [
        "default-src 'none'",
        f"script-src 'self' {telegram}".strip(),
        "style-src 'self' 'unsafe-inline'",
        f"img-src 'self' data: blob: {_PHOTOS}",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        f"frame-ancestors 'self' {settings.telegram_frame_ancestors}".strip(),
    ]
    if settings.public_url.startswith("https://"):
        rules.append("upgrade-insecure-requests")
    return "; ".join(rules)


def security_headers(settings: Settings) -> tuple[tuple[bytes, bytes], ...]:
    """What every answer carries, whatever it is."""
    headers = {
        "content-security-policy": content_security_policy(settings),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        "cross-origin-resource-policy": "same-origin",
    }
    if settings.public_url.startswith("https://"):
        headers["strict-transport-security"] = "max-age=31536000"
    return tuple((name.encode(), value.encode()) for name, value in headers.items())
