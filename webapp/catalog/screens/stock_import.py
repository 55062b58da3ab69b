"""Adding keys: choosing a variant, and one import from its file to its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from backend.catalog.types.stock_imports import (
    PIECE_BYTES,
    ImportReport,
    ImportState,
    ImportTarget,
    LineKind,
    ReportLine,
    StockImport,
)
from backend.catalog.words import goods_name
from backend.infra.storage import UPLOAD_MB
from backend.kernel.money import Money
from backend.kernel.text import Locale
from webapp.core.fields import Fields

_SIGNS: dict[LineKind, tuple[str, str]] = {
    LineKind.NEW: ("+", "add"),
    LineKind.KNOWN: ("=", "dup"),
    LineKind.TWICE: ("=", "dup"),
    LineKind.BAD: ("!", "err"),
}


class TargetRow(msgspec.Struct, frozen=True):
    """A variant to add keys to; ``ref`` is what files call it."""

    id: str
    title: str
    ref: str
    left: int
    waiting: int


class ImportRow(msgspec.Struct, frozen=True):
    """An import in the list of the latest."""

    id: str
    name: str
    at: datetime
    state: ImportState
    added: int


class StockAddPage(msgspec.Struct, frozen=True):
    """catalog/admin/stock_add.html: which variant, then its keys. ``several``: the file names the variants."""

    targets: tuple[TargetRow, ...] = ()
    target: TargetRow | None = None
    several: bool = False
    query: str = ""
    form: Fields = Fields()
    latest: tuple[ImportRow, ...] = ()
    most_mb: int = UPLOAD_MB


class DiffLine(msgspec.Struct, frozen=True):
    """A line of the dry run: its sign, its class, and why it is not new (a code of the template's words)."""

    line: int
    sign: str
    look: str
    key: str
    why: str
    column: str
    since: datetime | None


class StockImportPage(msgspec.Struct, frozen=True):
    """catalog/admin/stock_import.html: one import, whatever its state; _stock_import.html has its progress."""

    id: str
    state: ImportState
    name: str
    target: TargetRow | None
    rows: int
    fresh: int
    seen: int
    bad: int
    added: int
    done: int
    """Rows that the import has taken in."""
    received: int
    lines: tuple[DiffLine, ...]
    problems_only: bool
    hidden: int
    """How many lines of those asked for are not shown."""
    form: Fields
    currency: str
    cost: Money | None
    live: str | None
    piece: int = PIECE_BYTES

    @property
    def moving(self) -> Literal["", "checking", "importing"]:
        """What the worker does with it now."""
        if self.state is ImportState.CHECKING:
            return "checking"
        return "importing" if self.state is ImportState.IMPORTING else ""


def target_row(target: ImportTarget, locale: Locale) -> TargetRow:
    """A variant in the list to choose from."""
    title = goods_name(target.name, target.variant_name, target.country, locale)
    return TargetRow(str(target.id), title, target.ref, target.left, target.waiting)


def import_rows(imports: Sequence[StockImport]) -> tuple[ImportRow, ...]:
    """The latest imports."""
    return tuple(ImportRow(str(one.id), one.file_name, one.created_at, one.state, one.added) for one in imports)


def diff(report: ImportReport, *, problems_only: bool) -> tuple[DiffLine, ...]:
    """The lines of a dry run that are shown."""
    return tuple(_line(one) for one in (report.problems if problems_only else report.first))


def import_page(
    stored: StockImport,
    report: ImportReport,
    target: TargetRow | None,
    form: Fields,
    currency: str,
    live: str | None,
    *,
    problems_only: bool = False,
) -> StockImportPage:
    """One import as it is now."""
    lines = diff(report, problems_only=problems_only)
    listed = stored.rows - stored.fresh if problems_only else stored.rows
    return StockImportPage(
        id=str(stored.id),
        state=stored.state,
        name=stored.file_name,
        target=target,
        rows=stored.rows,
        fresh=stored.fresh,
        seen=stored.known + stored.twice,
        bad=stored.bad,
        added=stored.added,
        done=stored.checkpoint,
        received=stored.received,
        lines=lines,
        problems_only=problems_only,
        hidden=max(0, listed - len(lines)),
        form=form,
        currency=currency,
        cost=None if stored.unit_cost is None else Money(stored.unit_cost, currency),
        live=live,
    )


def _line(one: ReportLine) -> DiffLine:
    sign, look = _SIGNS[one.kind]
    why = one.problem or one.state or ("twice" if one.kind is LineKind.TWICE else "")
    return DiffLine(one.line, sign, look, one.key, str(why), one.column, one.since)
