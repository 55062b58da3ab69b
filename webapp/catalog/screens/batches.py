"""Batches of keys, and how good each is."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from backend.catalog.types.batches import BatchQuality
from backend.catalog.words import goods_name
from backend.infra.formatting import format_percent
from backend.kernel.paging import Page
from webapp.core.rendering import Viewer


class BatchView(msgspec.Struct, frozen=True):
    """A batch of keys; ``share`` is how many of the sold ones did not work, as a percentage, empty without any."""

    id: str
    title: str
    label: str
    """The batch's own name, or where it is from."""
    at: datetime
    sold: int
    unsold: int
    faulty: int
    share: str
    stopped: bool


def batch(row: BatchQuality, viewer: Viewer) -> BatchView:
    """A batch in the list of the stock."""
    return BatchView(
        id=str(row.id),
        title=goods_name(row.name, row.variant_name, row.country, viewer.locale),
        label=row.label or row.source,
        at=row.imported_at,
        sold=row.sold,
        unsold=row.unsold,
        faulty=row.faulty,
        share=format_percent(Decimal(row.faulty_permille) / 10, viewer.locale) if row.faulty else "",
        stopped=row.stopped_at is not None,
    )


class BatchesPage(msgspec.Struct, frozen=True):
    """catalog/admin/stock.html; catalog/admin/_batch_rows.html takes the same for a next page."""

    rows: tuple[BatchView, ...]
    next_url: str | None = None


def batches(page: Page[BatchQuality], viewer: Viewer) -> BatchesPage:
    """A page of the list of batches."""
    rows = tuple(batch(row, viewer) for row in page.items)
    return BatchesPage(rows, f"/admin/stock?cursor={page.next_cursor}" if page.next_cursor else None)
