"""What the recycle bin does with archived variants."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from backend.catalog.domain import goods
from backend.catalog.repository import places, variants, writes
from backend.catalog.types import VariantId
from backend.catalog.types.bin import BinItem, BinPlace
from backend.infra.unit_of_work import Tx


class ArchivedVariants:
    """Variants in the recycle bin. A variant that was ever ordered, stocked or put into a cart is never purged."""

    kind = "variant"

    async def list_archived(self, tx: Tx, before: BinPlace | None, most: int) -> Sequence[BinItem]:
        """Up to ``most`` variants that were archived before a place, the latest first."""
        return [
            BinItem(
                kind=self.kind,
                id=row["id"],
                name=row["name"],
                of=row["product_name"],
                country=row["country"],
                archived_at=row["archived_at"],
                archived_by=row["archived_by"],
            )
            for row in await variants.list_archived(tx, before, most)
        ]

    async def restore(self, tx: Tx, item_id: UUID) -> bool:
        """Bring a variant back, on sale if it was; False where it is not in the bin. Raises NotFound."""
        await goods.lock(tx)
        archived = await variants.find_archived(tx, item_id)
        if archived is None:
            return False
        product_id, shown = archived
        await variants.bring_back(tx, VariantId(item_id), shown=shown)
        await goods.follow(tx, [product_id])
        return True

    async def purge(self, tx: Tx, item_id: UUID) -> None:
        """Delete a variant for good. Raises DBAPIError (23503) where something refers to it."""
        await places.delete(tx, VariantId(item_id))
        await writes.delete_variant(tx, VariantId(item_id))
