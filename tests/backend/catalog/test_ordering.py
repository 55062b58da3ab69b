"""Places in lists and in the tree of categories, as several admins change them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.catalog.errors import CategoryEdited, CategoryNotEmpty, OrderChanged
from backend.catalog.rules.ordering import MAX_DEPTH, may_nest, moved
from backend.catalog.service import CatalogServices
from backend.catalog.types import CategoryId, ProductId, Sort
from backend.catalog.types.editing import CategoryDraft, ManagedCategory, ProductFilter
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid
from tests.factories.catalog import buyer, catalog_services, category, import_rows, product, variant

ADMIN = Actor.system()


@given(order=st.lists(st.integers(), unique=True, min_size=1), data=st.data())
def test_a_move_keeps_the_others_in_their_order(order: list[int], data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(order))
    others = [item for item in order if item != one]
    after = data.draw(st.sampled_from([None, *others]))
    result = moved(order, one, after)
    assert [item for item in result if item != one] == others
    assert result.index(one) == (0 if after is None else result.index(after) + 1)


@given(links=st.lists(st.tuples(st.integers(0, 7), st.none() | st.integers(0, 7)), max_size=40))
def test_allowed_moves_never_make_a_circle_nor_too_deep_a_tree(links: list[tuple[int, int | None]]) -> None:
    parents: dict[int, int | None] = dict.fromkeys(range(8))
    for one, parent in links:
        if may_nest(parents, one, parent):
            parents[one] = parent
        for parent_of in parents.values():
            at, steps = parent_of, 1
            while at is not None:
                at, steps = parents[at], steps + 1
                assert steps <= MAX_DEPTH


def draft(slug: str, parent: str | None = None, **changes: object) -> CategoryDraft:
    """A category as the form sends it."""
    fields = {"slug": slug, "parent": parent, "name": {"en": slug.title()}, "icon": "box", "hue": "red"}
    return CategoryDraft(**{**fields, **changes})  # type: ignore[arg-type]


def version(one: ManagedCategory) -> str:
    """Of a category at the top, as its form has it."""
    return draft(one.slug, name=one.name, icon=one.icon, hue=one.hue, hidden=one.hidden).version


async def _shop(real: UnitOfWork, ring: KeyRing) -> CatalogServices:
    service = catalog_services(real, ring)
    await import_rows(service, [category("one"), category("two"), category("three")])
    return service


async def test_two_admins_nest_two_categories_in_each_other_and_one_is_refused(real: UnitOfWork, ring: KeyRing) -> None:
    service = await _shop(real, ring)
    listed = await service.categories.list_all(ADMIN)
    ids, seen = {one.slug: one.id for one in listed}, {one.slug: version(one) for one in listed}
    results = await asyncio.gather(
        service.categories.save(ADMIN, ids["one"], draft("one", "two"), version=seen["one"]),
        service.categories.save(ADMIN, ids["two"], draft("two", "one"), version=seen["two"]),
        return_exceptions=True,
    )
    refused = [result for result in results if result is not None]
    assert len(refused) == 1 and isinstance(refused[0], Invalid) and refused[0].fields == {"parent": "parent_cycle"}
    assert len(await service.categories.list_all(ADMIN)) == 3


async def test_the_database_itself_keeps_circles_out(real: UnitOfWork, ring: KeyRing) -> None:
    await _shop(real, ring)
    start = asyncio.Barrier(2)

    async def nest(one: str, parent: str) -> None:
        async with real() as tx:
            await tx.execute(
                text("UPDATE categories SET parent_id = (SELECT id FROM categories WHERE slug = :p) WHERE slug = :o"),
                {"o": one, "p": parent},
            )
            await start.wait()  # neither sees the other's row

    results = await asyncio.gather(nest("one", "two"), nest("two", "one"), return_exceptions=True)
    refused = [result for result in results if result is not None]
    assert len(refused) == 1 and isinstance(refused[0], DBAPIError) and "nested in itself" in str(refused[0])


async def test_categories_are_ordered_hidden_moved_and_deleted(real: UnitOfWork, ring: KeyRing) -> None:
    service = await _shop(real, ring)
    tree = service.categories
    ids = {one.slug: one.id for one in await tree.list_all(ADMIN)}
    await tree.move(ADMIN, ids["three"], None)
    await tree.move(ADMIN, ids["one"], ids["two"])
    assert [one.slug for one in await tree.list_all(ADMIN)] == ["three", "two", "one"]
    assert [one.slug for one in await service.storefront.categories(buyer())] == ["three", "two", "one"]
    with pytest.raises(OrderChanged):
        await tree.move(ADMIN, ids["one"], CategoryId(uuid4()))
    await import_rows(service, [product("card", "one"), variant("card")])
    assert (await service.search.search(buyer(), "three card")).items == []
    seen = {one.slug: version(one) for one in await tree.list_all(ADMIN)}
    await tree.save(ADMIN, ids["one"], draft("one", "three", name={"en": "One", "ar": "واحد"}), version=seen["one"])
    with pytest.raises(CategoryEdited):
        await tree.save(ADMIN, ids["one"], draft("one", "three", name={"en": "First"}), version=seen["one"])
    assert [(one.slug, one.depth) for one in await tree.list_all(ADMIN)] == [("three", 1), ("one", 2), ("two", 1)]
    assert [one.slug for one in (await service.search.search(buyer(), "three card")).items] == ["card"]
    await tree.save(ADMIN, ids["three"], draft("three", hidden=True), version=seen["three"])
    assert (await service.storefront.browse(buyer())).items == []
    for full in ("three", "one"):
        with pytest.raises(CategoryNotEmpty):
            await tree.delete(ADMIN, ids[full])
    await tree.delete(ADMIN, ids["two"])
    assert {one.slug for one in await tree.list_all(ADMIN)} == {"one", "three"}


async def test_products_of_a_category_keep_the_order_that_admins_set_at_once(real: UnitOfWork, ring: KeyRing) -> None:
    service = await _shop(real, ring)
    slugs = [f"card-{number}" for number in range(6)]
    await import_rows(service, [row for slug in slugs for row in (product(slug, "one"), variant(slug))])
    category_id = next(one.id for one in await service.categories.list_all(ADMIN) if one.slug == "one")
    rows = {row.slug: row.id for row in (await service.products.list_managed(ADMIN, ProductFilter())).items}

    async def order() -> list[str]:
        return [row.slug for row in await service.categories.list_order(ADMIN, category_id)]

    assert await order() == slugs[::-1]
    moves = (("card-0", None), ("card-1", "card-0"), ("card-2", "card-1"))
    results = await asyncio.gather(
        *(
            service.categories.move_product(ADMIN, category_id, rows[moved], rows[after] if after else None)
            for moved, after in moves
        )
    )
    assert results == [None, None, None]
    listed = await order()
    assert listed in [_after(moved, slugs[::-1]) for moved in itertools.permutations(moves)]
    shown = (await service.storefront.browse(buyer(), category="one", sort=Sort.SHOP)).items
    assert [item.slug for item in shown] == listed
    # Page by page, and with what sold out in its place.
    cursor, seen = None, []
    while True:
        page = await service.storefront.browse(buyer(), category="one", sort=Sort.SHOP, cursor=cursor, limit=2)
        seen += [item.slug for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == listed
    with pytest.raises(OrderChanged):
        await service.categories.move_product(ADMIN, category_id, rows["card-0"], ProductId(uuid4()))


def _after(moves: Sequence[tuple[str, str | None]], slugs: Sequence[str]) -> list[str]:
    """The order after moves that were made one after another."""
    order = list(slugs)
    for slug, after in moves:
        order.remove(slug)
        order.insert(order.index(after) + 1 if after else 0, slug)
    return order


async def test_a_product_that_changes_its_category_loses_its_place(real: UnitOfWork, ring: KeyRing) -> None:
    service = await _shop(real, ring)
    await import_rows(service, [product("a", "one"), product("b", "one"), product("c", "two")])
    ids = {one.slug: one.id for one in await service.categories.list_all(ADMIN)}
    rows = {row.slug: row.id for row in (await service.products.list_managed(ADMIN, ProductFilter())).items}
    await service.categories.move_product(ADMIN, ids["one"], rows["a"], None)
    await import_rows(service, [product("a", "two")])
    assert [row.slug for row in await service.categories.list_order(ADMIN, ids["two"])] == ["c", "a"]
