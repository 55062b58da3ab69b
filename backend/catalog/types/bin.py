"""The recycle bin: what admins have archived, and bring back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import msgspec

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

STAYS_FOR: Final = timedelta(days=30)
"""How long something stays in the bin before it is purged, where nothing refers to it."""


class BinItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the bin; names by language, ``of`` is what it belongs to."""

    kind: str
    id: UUID
    name: dict[str, str]
    of: dict[str, str]
    country: str | None
    archived_at: datetime
    archived_by: UserId | None


class BinPlace(msgspec.Struct, frozen=True):
    """Where a page of the bin ends: the latest archived comes first."""

    at: datetime
    id: UUID


class BinSource(Protocol):
    """One kind of things that can be archived, in the caller's transaction."""

    kind: str
    """What it is called in addresses and in the audit trail."""

    async def list_archived(self, tx: Tx, before: BinPlace | None, most: int) -> Sequence[BinItem]:
        """Up to ``most`` of them that were archived before a place, the latest first."""

    async def restore(self, tx: Tx, item_id: UUID) -> bool:
        """Bring one back; False where it is not in the bin. Raises NotFound."""

    async def purge(self, tx: Tx, item_id: UUID) -> None:
        """Delete one for good. Raises DBAPIError (23503) where something refers to it."""
