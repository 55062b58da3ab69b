"""What an admin may deliver by hand."""

from __future__ import annotations

from backend.catalog.types.hand_work import MOST_REASON, MOST_RESULT
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.kernel.errors import Invalid


def clean_text(text: str) -> str:
    """A result as it is delivered: without blanks around it and with plain line breaks.

    Raises Invalid (field ``text``: ``required``, ``too_long``).
    """
    cleaned = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()
    return _bounded("text", cleaned, MOST_RESULT)


def clean_reason(reason: str) -> str:
    """Why a line is refused, in one line. Raises Invalid (field ``reason``: ``required``, ``too_long``)."""
    return _bounded("reason", " ".join(reason.replace("\0", "").split()), MOST_REASON)


def _bounded(field: str, text: str, most: int) -> str:
    if not text or len(text) > most:
        raise Invalid(f"no {field}, or too long", fields={field: "too_long" if text else "required"})
    return text


def check_file(data: bytes) -> None:
    """Raises Invalid (field ``file``: ``required``, ``too_large``)."""
    if not data or len(data) > MAX_UPLOAD_BYTES:
        raise Invalid("no file, or too large", fields={"file": "too_large" if data else "required"})
