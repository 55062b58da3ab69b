"""The recycle bin in the back office."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from backend.catalog.types.bin import STAYS_FOR, BinItem
from backend.catalog.words import product_name
from backend.kernel.ids import UserId
from backend.kernel.text import Locale, pick


class BinRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the bin; ``by`` is the name of who archived it, empty for the system."""

    kind: str
    id: str
    name: str
    of: str
    at: datetime
    by: str
    until: datetime
    """Until when it certainly stays."""


class BinPage(msgspec.Struct, frozen=True):
    """catalog/admin/bin.html; catalog/admin/_bin_rows.html takes the same for a next page."""

    rows: tuple[BinRow, ...]
    next_url: str | None
    stock: bool = False
    """Whether the reader may bring removed keys back, which have a list of their own."""


def bin_rows(items: Sequence[BinItem], names: Mapping[UserId, str], locale: Locale) -> tuple[BinRow, ...]:
    """The rows as the reader sees them."""
    return tuple(
        BinRow(
            kind=item.kind,
            id=str(item.id),
            name=pick(item.name, locale),
            of=product_name(pick(item.of, locale), item.country, locale),
            at=item.archived_at,
            by=names.get(item.archived_by, "—") if item.archived_by else "",
            until=item.archived_at + STAYS_FOR,
        )
        for item in items
    )
