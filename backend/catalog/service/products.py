"""The catalogue editor: products made, changed, copied, published later, archived and brought back."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from backend.catalog.domain import goods
from backend.catalog.errors import OwnEditor, ProductEdited, ProductSlugTaken
from backend.catalog.repository import editing, writes
from backend.catalog.rules import editing as rules
from backend.catalog.rules import render_description
from backend.catalog.rules.fields import countries
from backend.catalog.rules.naming import read_name
from backend.catalog.rules.rows import RowKind
from backend.catalog.types import CategoryId, ProductId, StockKind
from backend.catalog.types.editing import (
    CREATABLE,
    LONGEST_DESCRIPTION,
    EditedProduct,
    ManagedProduct,
    ProductDraft,
    ProductFilter,
)
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import searched

_PAGE: Final = 30
_MOST_WORDS: Final = 8


class ProductsService:
    """Products for admins with the permission for the catalogue. One writer of the catalogue at a time, as imports."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_managed(
        self, actor: Actor, chosen: ProductFilter, cursor: str | None = None
    ) -> Page[ManagedProduct]:
        """Products in any state, the newest first, 30 at a time. Raises Forbidden, Invalid for a bad cursor."""
        actor.require(Permission.CATALOGUE)
        after = decode_cursor(cursor, UUID) if cursor else None
        name = read_name(chosen.query)
        if name is None and searched(chosen.query):
            return Page([], None)
        async with self._uow.read() as tx:
            rows = await editing.list_managed(tx, chosen, name, after, _PAGE + 1)
        more = encode_cursor(rows[_PAGE - 1].id) if len(rows) > _PAGE else None
        return Page(rows[:_PAGE], more)

    async def get(self, actor: Actor, product_id: ProductId) -> EditedProduct:
        """A product in any state. Raises Forbidden, NotFound."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            return await editing.get(tx, product_id)

    async def propose_slug(self, actor: Actor, name: str) -> str:
        """A free address made of a name. Raises Forbidden."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            return await _free_slug(tx, name)

    def countries(self) -> list[str]:
        """The countries that a product may be for, by their two letters."""
        return sorted(countries())

    def preview(self, actor: Actor, description: str) -> str:
        """A description as the product's page shows it, as safe HTML. Raises Forbidden, Invalid."""
        actor.require(Permission.CATALOGUE)
        if len(description) > LONGEST_DESCRIPTION:
            raise Invalid("too long", fields={"description": "too_long"})
        return render_description(description)

    @retry_conflicts
    async def create(self, actor: Actor, kind: StockKind, draft: ProductDraft, *, product_id: UUID) -> ProductId:
        """Add a product without variants; ``product_id`` is the form's own, so that a form sent twice adds one.

        An empty slug is proposed from the English name. Raises Forbidden, Invalid, ProductSlugTaken.
        """
        actor.require(Permission.CATALOGUE)
        if kind not in CREATABLE:
            raise Invalid("not made here", fields={"kind": "unknown_value"})
        created = ProductId(product_id)
        async with self._uow() as tx:
            await goods.lock(tx)
            if await editing.exists(tx, created):
                return created
            if not draft.slug:
                draft = msgspec.structs.replace(draft, slug=await _free_slug(tx, draft.name.get("en", "")))
            checked = rules.check_product(draft, None, tx.now)
            category = await _category(tx, checked.category)
            await _check_slug(tx, checked.slug)
            await editing.add(tx, created, kind, checked, category)
            await goods.follow(tx, [created])
            facts = rules.differences({}, {"kind": kind, **msgspec.structs.asdict(checked)})
            await _record(tx, actor, "catalogue.create_product", created, facts)
        return created

    @retry_conflicts
    async def save(self, actor: Actor, product_id: ProductId, draft: ProductDraft, *, version: int) -> EditedProduct:
        """Change a product that the actor has read in ``version``; the product as it is then.

        Raises Forbidden, NotFound, Invalid, ProductSlugTaken, OwnEditor, and ProductEdited where somebody else changed
        it meanwhile.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            await goods.lock(tx)
            stored = await self._editable(tx, product_id)
            if stored.version != version:
                raise ProductEdited()
            checked = rules.check_product(draft, stored.draft, tx.now)
            if checked == stored.draft:
                return stored
            category = await _category(tx, checked.category)
            if checked.slug != stored.draft.slug:
                await _check_slug(tx, checked.slug)
            await editing.change(tx, product_id, checked, category)
            await goods.follow(tx, [product_id])
            before, after = msgspec.structs.asdict(stored.draft), msgspec.structs.asdict(checked)
            await _record(tx, actor, "catalogue.change_product", product_id, rules.differences(before, after))
            return await editing.get(tx, product_id)

    @retry_conflicts
    async def copy(self, actor: Actor, product_id: ProductId, *, copy_id: UUID) -> ProductId:
        """Add a hidden copy with the same variants and no stock; ``copy_id`` is the form's own, as in ``create``.

        Raises Forbidden, NotFound, OwnEditor.
        """
        actor.require(Permission.CATALOGUE)
        created = ProductId(copy_id)
        async with self._uow() as tx:
            await goods.lock(tx)
            stored = await self._editable(tx, product_id)
            if await editing.exists(tx, created):
                return created
            slug = await _free_slug(tx, f"{stored.draft.slug[:58]}-copy")
            draft = msgspec.structs.replace(stored.draft, slug=slug, hidden=True, publish_at=None)
            await editing.add(tx, created, stored.kind, draft, await _category(tx, draft.category))
            await editing.set_picture(tx, created, stored.picture)
            variants = await writes.list_variants_of(tx, [product_id])
            rows = [{**msgspec.structs.asdict(row), "id": tx.new_id(), "product_id": created} for row in variants]
            await writes.add_rows(tx, RowKind.VARIANT, rows)
            await goods.follow(tx, [created])
            await _record(tx, actor, "catalogue.copy_product", created, {"of": str(product_id), "slug": slug})
        return created

    @retry_conflicts
    async def archive(self, actor: Actor, product_id: ProductId) -> None:
        """Take a product out of the shop for good; orders and their history keep it. Nothing happens the second time.

        Raises Forbidden, NotFound, OwnEditor.
        """
        await self._archive(actor, product_id, archived=True)

    @retry_conflicts
    async def restore(self, actor: Actor, product_id: ProductId) -> None:
        """Bring an archived product back, hidden. Raises Forbidden, NotFound, OwnEditor."""
        await self._archive(actor, product_id, archived=False)

    async def _archive(self, actor: Actor, product_id: ProductId, *, archived: bool) -> None:
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            await goods.lock(tx)
            stored = await self._editable(tx, product_id)
            if (stored.archived_at is not None) == archived:
                return
            await editing.set_archived(tx, product_id, tx.now if archived else None)
            await goods.follow(tx, [product_id])
            verb = "archive" if archived else "restore"
            await _record(tx, actor, f"catalogue.{verb}_product", product_id, {"slug": stored.draft.slug})

    async def publish_due(self) -> int:
        """Show the products whose time has come; how many."""
        async with self._uow.read() as tx:
            if not await editing.count_due(tx):
                return 0
        async with self._uow() as tx:
            await goods.lock(tx)
            shown = await editing.publish_due(tx)
            if shown:
                await goods.follow(tx, shown)
            for product_id in shown:
                await audit.record(tx, None, "catalogue.publish_product", f"product:{product_id}")
        return len(shown)

    async def _editable(self, tx: Tx, product_id: ProductId) -> EditedProduct:
        stored = await editing.get(tx, product_id, lock=True)
        if stored.own_editor:
            raise OwnEditor()
        return stored


async def _free_slug(tx: Tx, name: str) -> str:
    stem = rules.propose_slug(name)
    return rules.propose_slug(name, await editing.list_slugs_like(tx, stem[:40]))


async def _category(tx: Tx, slug: str) -> CategoryId:
    for row in await writes.list_all_categories(tx):
        if row.slug == slug:
            return row.id
    raise Invalid("no such category", fields={"category": "unknown_category"})


async def _check_slug(tx: Tx, slug: str) -> None:
    if await writes.list_products_by_slug(tx, [slug]):
        raise ProductSlugTaken()


async def _record(tx: Tx, actor: Actor, action: str, product_id: ProductId, facts: dict[str, Any]) -> None:
    await audit.record(tx, actor.user_id, action, f"product:{product_id}", facts)
