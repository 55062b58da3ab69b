"""How good the batches of keys are."""

from __future__ import annotations

from datetime import datetime
from typing import NewType
from uuid import UUID

import msgspec

from backend.kernel.events import Event

BatchId = NewType("BatchId", UUID)


class BatchQuality(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of unique keys, with what it is of; names by language.

    ``sold`` counts the ``faulty`` ones too; ``unsold`` is what it has left, for sale or stopped.
    """

    id: BatchId
    slug: str
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    source: str
    label: str = ""
    """The batch's own name, where somebody gave it one."""
    imported_at: datetime
    stopped_at: datetime | None
    keys: int
    sold: int
    faulty: int
    unsold: int

    @property
    def faulty_permille(self) -> int:
        """The share of the sold keys that did not work, in thousandths, rounded up: one of many still shows."""
        return -(-self.faulty * 1000 // self.sold) if self.sold else 0


class BatchSwitched(Event, frozen=True, kw_only=True):
    """A batch was stopped, or is sold again; its unsold keys follow."""

    batch_id: BatchId
