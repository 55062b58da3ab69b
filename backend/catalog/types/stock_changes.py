"""What admins do with the keys of a batch: remove them, move them to another variant, undo either."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from backend.catalog.types import KeyState, StockKeyId, VariantId
from backend.catalog.types.batches import BatchId
from backend.kernel.events import Event
from backend.kernel.ids import UserId

StockChangeId = NewType("StockChangeId", UUID)


class ChangeKind(StrEnum):
    """What was done with the keys."""

    REMOVAL = "removal"
    MOVE = "move"


class ChangeState(StrEnum):
    """How far it is."""

    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class ExportFormat(StrEnum):
    """How exported keys are written: CSV with an apostrophe before what a spreadsheet would run, the others exactly."""

    TXT = "txt"
    JSON_LINES = "jsonl"
    CSV = "csv"


class StockChange(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of a batch that were removed or moved together; ``restored`` are those that an undo brought back.

    ``skipped`` are keys that the other variant has or had already: they stay where they were.
    """

    id: StockChangeId
    kind: ChangeKind
    state: ChangeState
    batch_id: BatchId
    target_batch_id: BatchId | None
    keys: int
    skipped: int
    restored: int
    made_by: UserId | None
    made_at: datetime


class RemovedKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A removal that can be undone, as the recycle bin lists it; names by language."""

    id: StockChangeId
    batch_id: BatchId
    keys: int
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    source: str
    made_by: UserId | None
    made_at: datetime


class BatchDetails(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: what was said of it, and its keys by state."""

    id: BatchId
    variant_id: VariantId
    name: str | None
    source: str
    unit_cost: int | None
    currency: str
    expires_at: datetime | None
    imported_at: datetime
    imported_by: UserId | None
    states: dict[KeyState, int]

    @property
    def unsold(self) -> int:
        """How many keys can be removed or moved now."""
        return self.states.get(KeyState.AVAILABLE, 0) + self.states.get(KeyState.STOPPED, 0)


class BatchKey(msgspec.Struct, frozen=True):
    """A key of a batch, never in plain text; ``position`` is its place in the stock."""

    id: StockKeyId
    position: int
    state: KeyState
    since: datetime | None
    line_id: UUID | None


class StockChangeStarted(Event, frozen=True, kw_only=True):
    """Keys are removed, moved or brought back: more of them than one transaction takes."""

    change_id: StockChangeId
