"""Decisions about what is written to customers. Pure."""

from __future__ import annotations

from backend.kernel.errors import Invalid
from backend.kernel.text import fill
from backend.support.types import LONGEST_TEXT

LONGEST_NAME = 60
"""Of a ready answer's name."""
_SNIPPET = 120


def sent_length(text: str) -> int:
    """How long Telegram counts a plain text: in UTF-16 units."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def clean_text(text: str) -> str:
    """What will be sent: the text without NULs, lone surrogates and blank ends, with one kind of line ending."""
    plain = text.replace("\0", "").encode("utf-8", errors="ignore").decode()
    return plain.replace("\r\n", "\n").replace("\r", "\n").strip()


def check_text(text: str) -> str:
    """The text to send. Raises Invalid for an empty one, and for one that Telegram would refuse."""
    cleaned = clean_text(text)
    if not cleaned:
        raise Invalid("nothing to send", fields={"text": "required"})
    if sent_length(cleaned) > LONGEST_TEXT:
        raise Invalid("too long for one message", fields={"text": "too_long"})
    return cleaned


def filled_in(text: str, *, name: str, order: str, shop: str) -> str:
    """A ready answer with its ``{name}``, ``{order}`` and ``{shop}``; as it is where it has other braces."""
    return fill(text, {"name": name, "order": order, "shop": shop})


def snippet(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text[: _SNIPPET * 4].split())
    return line if len(line) <= _SNIPPET else f"{line[: _SNIPPET - 1].rstrip()}…"
