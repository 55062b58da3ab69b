"""The tree of categories as admins edit it, and the order of products in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.catalog.domain import goods, search_index
from backend.catalog.errors import CategoryEdited, CategoryNotEmpty, CategorySlugTaken, OrderChanged
from backend.catalog.repository import categories, editing, writes
from backend.catalog.repository.writes import StoredCategory
from backend.catalog.rules import editing as rules
from backend.catalog.rules import ordering
from backend.catalog.types import CategoryId, ProductId
from backend.catalog.types.editing import CategoryDraft, ManagedCategory, ManagedProduct, ProductFilter
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound

_MOST_ORDERED: Final = 200
"""So many products of a category have a place by hand."""


class CategoryEditorService:
    """Categories for admins with the permission for the catalogue, one writer at a time."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_all(self, actor: Actor) -> list[ManagedCategory]:
        """Every category in the order of reading, hidden ones too. Raises Forbidden."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            return await categories.list_managed(tx)

    async def get(self, actor: Actor, category_id: CategoryId) -> ManagedCategory:
        """A category, hidden or not. Raises Forbidden, NotFound."""
        for one in await self.list_all(actor):
            if one.id == category_id:
                return one
        raise NotFound("no such category")

    @retry_conflicts
    async def create(self, actor: Actor, draft: CategoryDraft, *, category_id: UUID) -> CategoryId:
        """Add a category after its siblings; ``category_id`` is the form's own, so that a form sent twice adds one.

        An empty slug is made of the English name. Raises Forbidden, Invalid, CategorySlugTaken.
        """
        actor.require(Permission.CATALOGUE)
        created = CategoryId(category_id)
        async with self._uow() as tx:
            tree = await _locked(tx)
            if any(one.id == created for one in tree):
                return created
            if not draft.slug:
                slugs = {one.slug for one in tree}
                slug = rules.propose_slug(draft.name.get("en", ""), slugs, fallback="category")
                draft = msgspec.structs.replace(draft, slug=slug)
            checked = rules.check_category(draft)
            parent = _place(tree, created, checked)
            last = max((one.position for one in tree if one.parent_id == parent), default=-1)
            await categories.add(tx, created, checked, parent, last + 1)
            await self._follow(tx, created, listed=False)
            facts = rules.differences({}, msgspec.structs.asdict(checked))
            await _record(tx, actor, "create_category", created, facts)
        return created

    @retry_conflicts
    async def save(self, actor: Actor, category_id: CategoryId, draft: CategoryDraft, *, version: str) -> None:
        """Change a category that the actor has read in ``version``; one that comes below another is its last.

        Raises Forbidden, NotFound, Invalid, CategorySlugTaken, and CategoryEdited where somebody else changed it
        meanwhile; the same change again is no conflict.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            tree = await _locked(tx)
            stored = _find(tree, category_id)
            checked = rules.check_category(draft)
            parent = _place(tree, category_id, checked)
            slugs = {one.id: one.slug for one in tree}
            before = CategoryDraft(
                slug=stored.slug,
                parent=slugs[stored.parent_id] if stored.parent_id else None,
                name=stored.name,
                icon=stored.icon,
                hue=stored.hue,
                hidden=stored.hidden,
            )
            if checked == before:
                return
            if version != before.version:
                raise CategoryEdited()
            position = stored.position
            if parent != stored.parent_id:
                position = max((one.position for one in tree if one.parent_id == parent), default=-1) + 1
            await categories.change(tx, category_id, checked, parent, position)
            moved = parent != stored.parent_id or checked.hidden != stored.hidden
            await self._follow(tx, category_id, listed=moved, named=checked.name != stored.name or moved)
            facts = rules.differences(msgspec.structs.asdict(before), msgspec.structs.asdict(checked))
            await _record(tx, actor, "change_category", category_id, facts)

    @retry_conflicts
    async def delete(self, actor: Actor, category_id: CategoryId) -> None:
        """Delete a category that has no products, archived ones counted, and no categories in it.

        Raises Forbidden, NotFound, CategoryNotEmpty.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            stored = _find(await _locked(tx), category_id)
            if not await categories.delete_empty(tx, category_id):
                raise CategoryNotEmpty()
            await writes.bump_version(tx)
            await _record(tx, actor, "delete_category", category_id, {"slug": stored.slug, "name": stored.name})

    @retry_conflicts
    async def move(self, actor: Actor, category_id: CategoryId, after: CategoryId | None) -> None:
        """Put a category right after a sibling, or first. Raises Forbidden, NotFound, OrderChanged."""
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            tree = await _locked(tx)
            stored = _find(tree, category_id)
            siblings = sorted(
                (one for one in tree if one.parent_id == stored.parent_id), key=lambda one: (one.position, one.slug)
            )
            order = _moved([one.id for one in siblings], category_id, after)
            await categories.set_order(tx, order)
            await writes.bump_version(tx)
            await _record(tx, actor, "order_categories", category_id, {"order": [str(one) for one in order]})

    async def list_order(self, actor: Actor, category_id: CategoryId) -> list[ManagedProduct]:
        """The first 200 products of a category itself in the shop's order. Raises Forbidden."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            order = await editing.list_in_order(tx, category_id, _MOST_ORDERED)
            rows = await editing.list_managed(tx, ProductFilter(), None, None, _MOST_ORDERED, only=order)
        by_id = {row.id: row for row in rows}
        return [by_id[one] for one in order if one in by_id]

    @retry_conflicts
    async def move_product(
        self, actor: Actor, category_id: CategoryId, product_id: ProductId, after: ProductId | None
    ) -> None:
        """Put a product right after another one of its category, or first; those above it get places too.

        Raises Forbidden, OrderChanged where they are not both among the first 200 of the category.
        """
        actor.require(Permission.CATALOGUE)
        async with self._uow() as tx:
            await goods.lock(tx)
            before = await editing.list_in_order(tx, category_id, _MOST_ORDERED)
            order = _moved(before, product_id, after)
            if order == before:
                return
            last = max(before.index(product_id), order.index(product_id))
            await editing.set_places(tx, category_id, order[: last + 1])
            await writes.bump_version(tx)
            facts = {"product": str(product_id), "place": order.index(product_id) + 1}
            await _record(tx, actor, "order_products", category_id, facts)

    async def _follow(self, tx: Tx, category_id: CategoryId, *, listed: bool, named: bool = False) -> None:
        if listed:
            await writes.refresh_facts(tx, None)
        if named:
            await search_index.refresh(tx, [], categories=[category_id])
        await writes.bump_version(tx)


async def _locked(tx: Tx) -> list[StoredCategory]:
    """Every category, which nobody else changes until the transaction ends."""
    await goods.lock(tx)
    return await writes.list_all_categories(tx)


def _find(tree: Sequence[StoredCategory], category_id: CategoryId) -> StoredCategory:
    for one in tree:
        if one.id == category_id:
            return one
    raise NotFound("no such category")


def _place(tree: Sequence[StoredCategory], category_id: CategoryId, draft: CategoryDraft) -> CategoryId | None:
    """The category that the draft is in. Raises CategorySlugTaken, Invalid."""
    if any(one.slug == draft.slug and one.id != category_id for one in tree):
        raise CategorySlugTaken()
    if draft.parent is None:
        parent = None
    else:
        parent = next((one.id for one in tree if one.slug == draft.parent), None)
        if parent is None:
            raise Invalid("no such category", fields={"parent": "unknown_category"})
    if not ordering.may_nest({one.id: one.parent_id for one in tree}, category_id, parent):
        raise Invalid("in itself, or too deep", fields={"parent": "parent_cycle"})
    return parent


def _moved(order: Sequence[Any], one: UUID, after: UUID | None) -> list[Any]:
    try:
        return ordering.moved(order, one, after)
    except ValueError as error:
        raise OrderChanged() from error


async def _record(tx: Tx, actor: Actor, verb: str, category_id: CategoryId, facts: dict[str, Any]) -> None:
    await audit.record(tx, actor.user_id, f"catalogue.{verb}", f"category:{category_id}", facts)
