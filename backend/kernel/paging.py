"""Keyset paging: a cursor is the sort key of the last row seen."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Final, Generic, TypeVar

import msgspec

from backend.kernel.errors import Invalid

T = TypeVar("T")
K = TypeVar("K")
_BIGINT: Final = range(-(2**63), 2**63)
_YEARS: Final = range(1970, 3000)


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Rows of one page and the cursor of the next; ``next_cursor`` is None on the last page."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(key: object) -> str:
    """An opaque, URL-safe text of a sort key (any msgspec-encodable value)."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str, kind: type[K]) -> K:
    """The sort key in ``cursor``. Raises Invalid for a cursor that was not made by encode_cursor."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise Invalid("bad cursor", fields={"cursor": "bad_cursor"}) from error
    if not _comparable(key):
        raise Invalid("a cursor beyond every row", fields={"cursor": "bad_cursor"})
    return key


def _comparable(key: object) -> bool:
    """Whether PostgreSQL can compare rows with this key: a cursor is anybody's to write."""
    if isinstance(key, msgspec.Struct):
        key = msgspec.structs.astuple(key)
    if isinstance(key, (list, tuple)):
        return all(_comparable(item) for item in key)
    if isinstance(key, datetime):
        return key.tzinfo is not None and key.year in _YEARS
    return not isinstance(key, int) or key in _BIGINT
