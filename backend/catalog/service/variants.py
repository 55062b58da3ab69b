"""Variants in the back office: their prices and limits, their order, hidden, copied, archived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.catalog.domain import goods
from backend.catalog.errors import OwnEditor, VariantArchived, VariantEdited
from backend.catalog.repository import variants as repository
from backend.catalog.repository import writes
from backend.catalog.repository.variants import VariantRow
from backend.catalog.rules import variants as rules
from backend.catalog.rules.rows import RowKind
from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.variants import (
    ProductVariants,
    VariantDraft,
    VariantHint,
    VariantRecord,
    VariantsProduct,
)
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale


class VariantsService:
    """Variants for admins with the permission for the catalogue; prices are in ``currency``.

    One writer of the catalogue at a time, as with imports. An order keeps the price that it was placed at.
    """

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

    async def list_of(self, actor: Actor, product_id: ProductId) -> ProductVariants:
        """A product with its variants, without those in the recycle bin. Raises Forbidden, NotFound."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            product = await repository.get_product(tx, product_id)
            return ProductVariants(product, await repository.list_records(tx, product_id))

    async def get(self, actor: Actor, product_id: ProductId, variant_id: VariantId) -> VariantRecord:
        """A variant of the product, also from the recycle bin. Raises Forbidden, NotFound."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            listed = await repository.list_records(tx, product_id, archived=True)
        for one in listed:
            if one.id == variant_id:
                return one
        raise NotFound("no such variant of this product")

    async def hints(
        self, actor: Actor, product_id: ProductId, draft: VariantDraft, variant_id: VariantId | None = None
    ) -> list[VariantHint]:
        """What to look at before the draft is saved, as a new variant or in place of ``variant_id``.

        Raises Forbidden, NotFound.
        """
        listed = await self.list_of(actor, product_id)
        own = next((one for one in listed.variants if one.id == variant_id), None)
        others = [one for one in listed.variants if one.id != variant_id and not one.hidden]
        return rules.hints(draft, listed.product.choice, others, own.cost if own else None)

    @retry_conflicts
    async def add(self, actor: Actor, product_id: ProductId, variant_id: VariantId, draft: VariantDraft) -> None:
        """Add a variant after the others, on sale; its id is the caller's, so that a second tap adds nothing.

        Raises Forbidden, NotFound, Invalid, OwnEditor.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            product, rows = await self._lock(tx, product_id)
            rules.check(draft, product.kind, self._currency)
            await self._add(tx, actor, product, rows, variant_id, rules.columns(draft, product.kind), hidden=False)

    @retry_conflicts
    async def copy(self, actor: Actor, product_id: ProductId, variant_id: VariantId, copy_id: VariantId) -> None:
        """Add a hidden variant that is like another one, as ``add`` does. Raises as ``add`` does."""
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            product, rows = await self._lock(tx, product_id)
            await self._add(tx, actor, product, rows, copy_id, _of(rows, variant_id).columns, hidden=True)

    @retry_conflicts
    async def change(
        self, actor: Actor, product_id: ProductId, variant_id: VariantId, draft: VariantDraft, *, version: int
    ) -> None:
        """Change a variant that the actor has read in ``version``.

        Raises Forbidden, NotFound, Invalid, OwnEditor, VariantArchived, and VariantEdited where somebody else
        changed it meanwhile; the same change again is no conflict.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            product, rows = await self._lock(tx, product_id)
            row = _of(rows, variant_id)
            rules.check(draft, product.kind, self._currency)
            changes = rules.changes(row.columns, rules.columns(draft, product.kind))
            if not changes:
                return
            if row.archived_at is not None:
                raise VariantArchived()
            if row.version != version:
                raise VariantEdited()
            values = {name: after for name, (_, after) in changes.items()}
            await writes.change_row(tx, RowKind.VARIANT, variant_id, values)
            await self._changed(tx, actor, "change_variant", row, {"changes": changes, "currency": self._currency})

    @retry_conflicts
    async def set_hidden(self, actor: Actor, product_id: ProductId, variant_id: VariantId, *, hidden: bool) -> None:
        """Hide a variant from people, or sell it again.

        Raises Forbidden, NotFound, OwnEditor, VariantArchived.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            _, rows = await self._lock(tx, product_id)
            row = _of(rows, variant_id)
            if row.archived_at is not None:
                raise VariantArchived()
            if row.hidden != hidden:
                await writes.change_row(tx, RowKind.VARIANT, variant_id, {"hidden": hidden})
                await self._changed(tx, actor, "hide_variant" if hidden else "show_variant", row)

    @retry_conflicts
    async def archive(self, actor: Actor, product_id: ProductId, variant_id: VariantId) -> None:
        """Put a variant into the recycle bin; who has ordered it gets it.

        Raises Forbidden, NotFound, OwnEditor.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            _, rows = await self._lock(tx, product_id)
            row = _of(rows, variant_id)
            if row.archived_at is None:
                await repository.archive(tx, variant_id, actor.user_id, shown=not row.hidden)
                await self._changed(tx, actor, "archive_variant", row)

    @retry_conflicts
    async def restore(self, actor: Actor, product_id: ProductId, variant_id: VariantId) -> None:
        """Bring a variant back from the recycle bin, on sale if it was.

        Raises Forbidden, NotFound, OwnEditor.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            _, rows = await self._lock(tx, product_id)
            row = _of(rows, variant_id)
            if row.archived_at is not None:
                await repository.bring_back(tx, variant_id, shown=row.archived_shown)
                await self._changed(tx, actor, "restore_variant", row)

    @retry_conflicts
    async def reorder(self, actor: Actor, product_id: ProductId, variant_id: VariantId, to: int) -> None:
        """Put a variant at the place ``to`` (from 1) among those that are not archived.

        Raises Forbidden, NotFound, OwnEditor, VariantArchived.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            _, rows = await self._lock(tx, product_id)
            row = _of(rows, variant_id)
            if row.archived_at is not None:
                raise VariantArchived()
            order = [one.id for one in rows if one.archived_at is None and one.id != variant_id]
            order.insert(min(to, len(order) + 1) - 1, variant_id)
            if order != [one.id for one in rows if one.archived_at is None]:
                await repository.set_positions(tx, order)
                await self._changed(tx, actor, "move_variant", row, {"to": order.index(variant_id) + 1})

    async def _lock(self, tx: Tx, product_id: ProductId) -> tuple[VariantsProduct, list[VariantRow]]:
        """The product and all its variants, of which the caller is the only writer."""
        await goods.lock(tx)
        product = await repository.get_product(tx, product_id)
        if not product.editable:
            raise OwnEditor()
        return product, await repository.list_rows(tx, product_id)

    async def _add(
        self,
        tx: Tx,
        actor: Actor,
        product: VariantsProduct,
        rows: Sequence[VariantRow],
        variant_id: VariantId,
        columns: dict[str, Any],
        *,
        hidden: bool,
    ) -> None:
        if any(one.id == variant_id for one in rows):
            return
        row = {
            **columns,
            "id": variant_id,
            "product_id": product.id,
            "code": rules.new_code(columns["name"].get(Locale.EN, ""), [one.code for one in rows]),
            "position": max((one.position for one in rows), default=-1) + 1,
            "hidden": hidden,
        }
        await writes.add_rows(tx, RowKind.VARIANT, [row])
        facts = {
            "product": str(product.id),
            "code": row["code"],
            "amount": row["price_amount"],
            "currency": self._currency,
        }
        await audit.record(tx, actor.user_id, "catalogue.add_variant", f"variant:{variant_id}", facts)
        await goods.follow(tx, [product.id])

    @staticmethod
    async def _changed(tx: Tx, actor: Actor, action: str, row: VariantRow, facts: dict[str, Any] | None = None) -> None:
        """Record what was done to a variant, and have what follows from its product brought up to date."""
        named = {"product": str(row.product_id), "code": row.code}
        await audit.record(tx, actor.user_id, f"catalogue.{action}", f"variant:{row.id}", {**named, **(facts or {})})
        await goods.follow(tx, [row.product_id])


def _of(rows: Sequence[VariantRow], variant_id: VariantId) -> VariantRow:
    for row in rows:
        if row.id == variant_id:
            return row
    raise NotFound("no such variant of this product")
