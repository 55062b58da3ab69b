"""Imports of keys by screen: what was sent, what a dry run found, how far it is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.catalog.types import KeyState, VariantId
from backend.catalog.types.imports import ProblemCode
from backend.kernel.events import Event
from backend.kernel.ids import DataKeyId, UserId

StockImportId = NewType("StockImportId", UUID)
IMPORT_TOPIC: Final = "stock_import"
MOST_IMPORT_BYTES: Final = 64_000_000
"""The largest file of keys, sent in pieces of at most the largest upload; a million keys are 20 to 40 MB."""
PIECE_BYTES: Final = 4_000_000
"""How much of it one request sends."""


class ImportState(StrEnum):
    """How far an import is."""

    UPLOADING = "uploading"
    CHECKING = "checking"
    CHECKED = "checked"
    """The dry run is done: nothing is in the stock yet."""
    IMPORTING = "importing"
    STOPPED = "stopped"
    """Half of it is in the stock; it can go on, or be taken back."""
    DONE = "done"
    DISCARDED = "discarded"


class LineKind(StrEnum):
    """What an import does with a line of the file."""

    NEW = "new"
    KNOWN = "known"
    TWICE = "twice"
    BAD = "bad"


class ReportLine(msgspec.Struct, frozen=True):
    """A line of the dry run. ``key`` is in full: reports are stored encrypted, and only until the import ends."""

    line: int
    kind: LineKind
    key: str = ""
    problem: ProblemCode | None = None
    column: str = ""
    state: KeyState | None = None
    """Of a key that is known."""
    since: datetime | None = None
    """When it got into that state, or into the stock."""


class ImportReport(msgspec.Struct, frozen=True):
    """The first lines of a file, and the first that are not new."""

    first: list[ReportLine] = []
    problems: list[ReportLine] = []


class ImportDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What an admin says of the keys; ``unit_cost`` is in minor units of the shop's currency."""

    batch_name: str | None = None
    source: str | None = None
    unit_cost: int | None = None
    expires_at: datetime | None = None


class StockImport(msgspec.Struct, frozen=True, kw_only=True):
    """An import as stored; the counts of the dry run add up to ``rows``."""

    id: StockImportId
    state: ImportState
    variant_id: VariantId | None
    file_name: str
    written: str
    as_is: bool
    staged: str | None
    data_key_id: DataKeyId | None
    received: int
    sealed: int
    rows: int
    fresh: int
    known: int
    twice: int
    bad: int
    report: bytes | None
    checkpoint: int
    added: int
    batch_name: str | None
    source: str | None
    unit_cost: int | None
    expires_at: datetime | None
    created_by: UserId | None
    created_at: datetime
    touched_at: datetime


class ImportTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A variant that keys can be added to; names by language."""

    id: VariantId
    slug: str
    code: str
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    kind: str
    left: int
    waiting: int
    """How many people are in line for it: they are offered what comes, first."""

    @property
    def ref(self) -> str:
        """What files call it."""
        return f"{self.slug}/{self.code}"


class StockImportSent(Event, frozen=True, kw_only=True):
    """A file has arrived whole: it is checked."""

    import_id: StockImportId


class StockImportStarted(Event, frozen=True, kw_only=True):
    """An admin has confirmed a dry run, or a stopped import: its keys are added."""

    import_id: StockImportId
