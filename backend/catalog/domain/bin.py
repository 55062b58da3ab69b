"""What the recycle bin does with archived variants and products."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from backend.catalog.domain import goods, search_index
from backend.catalog.repository import editing, places, variants, writes
from backend.catalog.types import ProductId, VariantId
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


class ArchivedProducts:
    """Products in the recycle bin. A product that was ever ordered, stocked, liked or put into a cart stays there."""

    kind = "product"

    async def list_archived(self, tx: Tx, before: BinPlace | None, most: int) -> Sequence[BinItem]:
        """Up to ``most`` products that were archived before a place, the latest first; ``of`` is the category."""
        return [
            BinItem(
                kind=self.kind,
                id=row["id"],
                name=row["name"],
                of=row["category_name"],
                country=None,
                archived_at=row["archived_at"],
                archived_by=None,
            )
            for row in await editing.list_archived(tx, before, most)
        ]

    async def restore(self, tx: Tx, item_id: UUID) -> bool:
        """Bring a product back, hidden; False where it is not in the bin. Raises NotFound."""
        await goods.lock(tx)
        product_id = ProductId(item_id)
        if (await editing.get(tx, product_id, lock=True)).archived_at is None:
            return False
        await editing.set_archived(tx, product_id, None)
        await goods.follow(tx, [product_id])
        return True

    async def purge(self, tx: Tx, item_id: UUID) -> None:
        """Delete a product with its variants for good. Raises DBAPIError (23503) where something refers to them."""
        product_id = ProductId(item_id)
        for variant in await writes.list_variants_of(tx, [product_id]):
            await places.delete(tx, VariantId(variant.id))
            await writes.delete_variant(tx, VariantId(variant.id))
        await search_index.forget(tx, product_id)
        await editing.delete(tx, product_id)
