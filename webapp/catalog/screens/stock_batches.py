"""One batch of keys, where its keys can move, and what runs low."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from backend.catalog.types import KeyState
from backend.catalog.types.batches import BatchQuality
from backend.catalog.types.low_stock import SALES_DAYS, ExpiringBatch, LowStock
from backend.catalog.types.stock_changes import BatchDetails, BatchKey, ChangeState, RemovedKeys, StockChange
from backend.catalog.words import goods_name
from backend.infra.i18n import Translator
from backend.kernel.money import Money
from backend.kernel.text import Locale
from webapp.catalog.screens.batches import BatchView, batch
from webapp.catalog.screens.stock_import import TargetRow
from webapp.core.fields import Fields
from webapp.core.parts import Chip, address
from webapp.core.rendering import Viewer

PAGE: Final = 50
FILTERS: Final[Mapping[str, tuple[KeyState, ...]]] = {
    "unsold": (KeyState.AVAILABLE, KeyState.STOPPED),
    "reserved": (KeyState.RESERVED, KeyState.HELD),
    "sold": (KeyState.SOLD, KeyState.FAULTY),
    "removed": (KeyState.REMOVED,),
    "expired": (KeyState.EXPIRED,),
}
"""The filters of a batch's keys, and the states that each shows."""
EXPORTED: Final = (KeyState.AVAILABLE, KeyState.STOPPED, KeyState.EXPIRED, KeyState.REMOVED)
"""What an export holds: keys that nobody was given."""


class KeyRow(msgspec.Struct, frozen=True):
    """A key in the list of its batch; ``number`` is its place in the stock."""

    id: str
    number: int
    state: KeyState
    since: datetime | None
    chosen: bool
    """Whether it can be chosen: it is unsold."""


class ChangeRow(msgspec.Struct, frozen=True):
    """Something done with the keys of a batch; ``to`` is the batch they moved to, empty for a removal."""

    id: str
    kind: str
    state: ChangeState
    keys: int
    skipped: int
    restored: int
    to: str
    arrived: bool
    """The keys moved into this batch, not out of it."""
    by: str
    at: datetime


class BatchPage(msgspec.Struct, frozen=True):
    """catalog/admin/stock_batch.html; catalog/admin/_stock_keys.html takes the same for a next page."""

    batch: BatchView
    variant_id: str
    path: str
    cost: Money | None
    name: str
    expires_at: datetime | None
    expired: bool
    unsold: int
    chips: tuple[Chip, ...]
    keys: tuple[KeyRow, ...]
    next_url: str | None
    changes: tuple[ChangeRow, ...]
    exports: tuple[tuple[str, str], ...]
    form: Fields
    currency: str
    editing: bool = False


class MovePage(msgspec.Struct, frozen=True):
    """catalog/admin/stock_move.html: which variant the unsold keys of a batch move to."""

    path: str
    title: str
    unsold: int
    targets: tuple[TargetRow, ...]
    query: str


class LowRow(msgspec.Struct, frozen=True):
    """A variant that runs low; ``days`` is how long it lasts, None where nothing is sold."""

    id: str
    title: str
    left: int
    mark: int
    sold: int
    days: int | None
    waiting: int
    has_keys: bool


class ExpiringRow(msgspec.Struct, frozen=True):
    """A batch whose keys expire soon."""

    id: str
    title: str
    keys: int
    at: datetime


class RemovedRow(msgspec.Struct, frozen=True):
    """A removal whose keys can come back; ``by`` is empty for the system."""

    id: str
    batch: str
    title: str
    source: str
    keys: int
    at: datetime
    by: str


class RemovedPage(msgspec.Struct, frozen=True):
    """catalog/admin/stock_removed.html; catalog/admin/_removed_rows.html takes the same for a next page."""

    rows: tuple[RemovedRow, ...]
    next_url: str | None = None


class LowPage(msgspec.Struct, frozen=True):
    """catalog/admin/stock_low.html"""

    rows: tuple[LowRow, ...]
    expiring: tuple[ExpiringRow, ...]
    days: int = SALES_DAYS


def key_rows(keys: Sequence[BatchKey]) -> tuple[KeyRow, ...]:
    """Keys in the list of their batch."""
    unsold = FILTERS["unsold"]
    return tuple(KeyRow(str(key.id), key.position, key.state, key.since, key.state in unsold) for key in keys)


def change_rows(changes: Sequence[StockChange], of: BatchDetails, names: Mapping[object, str]) -> tuple[ChangeRow, ...]:
    """What was done with the keys of a batch."""
    return tuple(
        ChangeRow(
            id=str(one.id),
            kind=one.kind,
            state=one.state,
            keys=one.keys,
            skipped=one.skipped,
            restored=one.restored,
            to=str(one.batch_id if one.target_batch_id == of.id else one.target_batch_id or ""),
            arrived=one.target_batch_id == of.id,
            by=names.get(one.made_by, ""),
            at=one.made_at,
        )
        for one in changes
    )


def chips(path: str, details: BatchDetails, chosen: str) -> tuple[Chip, ...]:
    """The filters of a batch's keys that show something."""
    counts = {name: sum(details.states.get(state, 0) for state in states) for name, states in FILTERS.items()}
    shown = [name for name, count in counts.items() if count or name == chosen]
    every = Chip(path, not chosen, str(sum(details.states.values())), "all")
    return (every, *(Chip(address(path, show=name), name == chosen, str(counts[name]), name) for name in shown))


def batch_page(
    quality: BatchQuality,
    details: BatchDetails,
    keys: Sequence[BatchKey],
    changes: tuple[ChangeRow, ...],
    viewer: Viewer,
    *,
    path: str,
    show: str,
    exports: tuple[tuple[str, str], ...],
    form: Fields,
    editing: bool,
) -> BatchPage:
    """One batch as it is now."""
    more = len(keys) > PAGE
    keys = keys[:PAGE]
    return BatchPage(
        batch=batch(quality, viewer),
        variant_id=str(details.variant_id),
        path=path,
        cost=None if details.unit_cost is None else Money(details.unit_cost, details.currency),
        name=details.name or "",
        expires_at=details.expires_at,
        expired=details.expires_at is not None and details.expires_at <= viewer.now,
        unsold=details.unsold,
        chips=chips(path, details, show),
        keys=key_rows(keys),
        next_url=address(path, show=show, after=str(keys[-1].position)) if more else None,
        changes=changes,
        exports=exports,
        form=form,
        currency=details.currency,
        editing=editing,
    )


def removed_page(removed: Sequence[RemovedKeys], names: Mapping[Any, str], locale: Locale, path: str) -> RemovedPage:
    """Removals that can be undone; one more than a page has says that there is a next one."""
    rows = tuple(
        RemovedRow(
            str(one.id),
            str(one.batch_id),
            goods_name(one.name, one.variant_name, one.country, locale),
            one.source,
            one.keys,
            one.made_at,
            names.get(one.made_by, ""),
        )
        for one in removed[:PAGE]
    )
    return RemovedPage(rows, address(path, cursor=rows[-1].id) if len(removed) > PAGE else None)


def low_page(rows: Sequence[LowStock], expiring: Sequence[ExpiringBatch], locale: Locale) -> LowPage:
    """What runs low, and what expires soon."""
    return LowPage(
        tuple(
            LowRow(
                str(row.id),
                goods_name(row.name, row.variant_name, row.country, locale),
                row.left,
                row.low_stock_at,
                int(row.sold),
                row.days_left,
                row.waiting,
                row.kind == "unique_keys",
            )
            for row in rows
        ),
        tuple(
            ExpiringRow(
                str(row.id), goods_name(row.name, row.variant_name, row.country, locale), row.keys, row.expires_at
            )
            for row in expiring
        ),
    )


def title_of(quality: BatchQuality, locale: Locale) -> str:
    """What a batch is of."""
    return goods_name(quality.name, quality.variant_name, quality.country, locale)


def move_question(count: int, name: str, words: Translator) -> str:
    """What a move does, before it is done."""
    text = words.ngettext(
        "%(count)s unsold key moves to %(name)s. A key that is there already stays here.",
        "%(count)s unsold keys move to %(name)s. Keys that are there already stay here.",
        count,
    )
    return text % {"count": count, "name": name}


def done_text(change: StockChange, words: Translator) -> str:
    """What was done, or that the rest follows."""
    if change.state is ChangeState.RUNNING:
        return words.gettext("Started. The rest follows in the background.")
    if change.target_batch_id is None:
        text = words.ngettext("%(count)s key removed", "%(count)s keys removed", change.keys)
    else:
        text = words.ngettext("%(count)s key moved", "%(count)s keys moved", change.keys)
    return text % {"count": change.keys}


def undone_text(change: StockChange, words: Translator) -> str:
    """What an undo brought back, or that the rest follows."""
    if change.state is ChangeState.UNDOING:
        return words.gettext("Started. The rest follows in the background.")
    text = words.ngettext("%(count)s key is back", "%(count)s keys are back", change.restored)
    return text % {"count": change.restored}


def removal_question(count: int, words: Translator) -> str:
    """What a removal does, before it is done."""
    text = words.ngettext(
        "%(count)s unsold key leaves the shop. You can bring it back.",
        "%(count)s unsold keys leave the shop. You can bring them back.",
        count,
    )
    return text % {"count": count}
