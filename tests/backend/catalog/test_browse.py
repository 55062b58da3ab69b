"""Lists, categories, countries and product pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from backend.catalog.service import CatalogServices
from backend.catalog.types import ProductCard, Sort
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.paging import encode_cursor
from backend.kernel.text import Locale
from tests.factories.catalog import buyer, catalog_services, category, import_keys, import_rows, product, variant

_PRODUCTS = 47
_COUNTRIES = ("TR", "US", None, "SA")


@pytest.fixture
async def service(uow: UnitOfWork, ring: KeyRing) -> AsyncIterator[CatalogServices]:
    """A shop of 47 products on nested shelves, with equal prices and ranks among them."""
    service = catalog_services(uow, ring)
    rows = [category("cards", name_ar="بطاقات"), category("stores", parent="cards"), category("games")]
    shelves = ("cards", "stores", "games")
    for number in range(_PRODUCTS):
        slug = f"p-{number}"
        country = _COUNTRIES[number % 4]
        place = {"country": country} if country else {}
        rows.append(product(slug, shelves[number % 3], rank=str(number % 5), **place))
        rows.append(variant(slug, price=f"{1 + number % 6}.50"))
    report = await import_rows(service, rows)
    assert report.applied, report.problems
    for number in range(0, _PRODUCTS, 2):
        await import_keys(service, f"p-{number}/one", [f"K{number}"])
    yield service


async def walk(service: CatalogServices, limit: int, **filters: object) -> list[ProductCard]:
    """Every page of a list, one after the other."""
    items: list[ProductCard] = []
    cursor = None
    while True:
        page = await service.storefront.browse(buyer(), cursor=cursor, limit=limit, **filters)  # type: ignore[arg-type]
        assert len(page.items) <= limit
        items += page.items
        if page.next_cursor is None:
            return items
        cursor = page.next_cursor


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 60),
    sort=st.sampled_from(Sort),
    in_stock=st.booleans(),
    shelf=st.sampled_from([None, "cards", "stores", "games"]),
    country=st.sampled_from([None, "TR", "us"]),
)
async def test_every_product_comes_once_whatever_the_page_size(
    service: CatalogServices,
    limit: int,
    sort: Sort,
    in_stock: bool,
    shelf: str | None,
    country: str | None,
) -> None:
    cards = await walk(service, limit, sort=sort, in_stock=in_stock, category=shelf, country=country)
    numbers = [int(card.slug.removeprefix("p-")) for card in cards]
    shelves = {None: (0, 1, 2), "cards": (0, 1), "stores": (1,), "games": (2,)}[shelf]
    expected = {
        number
        for number in range(_PRODUCTS)
        if number % 3 in shelves
        and (country is None or _COUNTRIES[number % 4] == country.upper())
        and (not in_stock or number % 2 == 0)
    }
    assert len(numbers) == len(set(numbers))
    assert set(numbers) == expected
    if sort is Sort.PRICE:
        assert [card.price_from for card in cards] == sorted(card.price_from for card in cards)
    if sort is Sort.POPULAR:
        ranks = [number % 5 for number in numbers]
        assert ranks == sorted(ranks, reverse=True)


async def test_categories_count_what_is_below_them(service: CatalogServices) -> None:
    rows = await service.storefront.categories(buyer(language=Locale.AR))
    assert [(row.slug, row.parent, row.depth, row.products) for row in rows] == [
        ("cards", None, 1, 32),
        ("stores", "cards", 2, 16),
        ("games", None, 1, 15),
    ]
    assert rows[0].name == "بطاقات"
    assert {row.code: row.products for row in await service.storefront.countries()} == {"TR": 12, "US": 12, "SA": 11}


async def test_a_change_of_the_catalogue_is_seen_at_once(service: CatalogServices) -> None:
    version = await service.storefront.version()
    await import_rows(service, [category("stores", hidden=True)])
    assert await service.storefront.version() == version + 1
    assert [row.slug for row in await service.storefront.categories(buyer())] == ["cards", "games"]
    assert len(await walk(service, 100, category="cards")) == 16
    with pytest.raises(NotFound):
        await service.storefront.browse(buyer(), category="stores")
    await import_rows(service, [category("stores", hidden=True)])
    assert await service.storefront.version() == version + 1


@pytest.mark.parametrize(
    "cursor", ["", "x", "W10", "🙂", encode_cursor(["new", 0, "no"]), encode_cursor(["popular", 2**70, "0" * 32])]
)
async def test_a_bad_cursor_is_refused(service: CatalogServices, cursor: str) -> None:
    with pytest.raises(Invalid):
        await service.storefront.browse(buyer(), cursor=cursor)


async def test_a_cursor_belongs_to_its_order(service: CatalogServices) -> None:
    page = await service.storefront.browse(buyer(), sort=Sort.NEW, limit=5)
    with pytest.raises(Invalid):
        await service.storefront.browse(buyer(), sort=Sort.PRICE, cursor=page.next_cursor)


@pytest.mark.parametrize("country", ["T", "TUR", "T1", "ТР", "T\0"])
async def test_a_country_has_two_letters(service: CatalogServices, country: str) -> None:
    with pytest.raises(Invalid):
        await service.storefront.browse(buyer(), country=country)


async def test_unknown_names_are_not_found(service: CatalogServices) -> None:
    for slug in ("nothing", "", "p-1\x00", "' OR 1=1 --", "p-1/one"):
        with pytest.raises(NotFound):
            await service.storefront.product(buyer(), slug)
        with pytest.raises(NotFound):
            await service.storefront.browse(buyer(), category=slug)
    assert (await service.storefront.browse(buyer(), country="DE")).items == []


async def test_a_product_page_speaks_the_readers_language(service: CatalogServices) -> None:
    texts = {"description_ar": "## عنوان\nنص", "name_ar": "اسم", "summary_en": "Short", "tags": ["One", "two", "one"]}
    await import_rows(service, [product("p-0", **texts)])
    detail = await service.storefront.product(buyer(language=Locale.AR), "p-0")
    assert (detail.name, detail.summary, detail.tags) == ("اسم", "Short", ("one", "two"))
    assert detail.description_html == "<h2>عنوان</h2>\n<p>نص</p>\n"
    assert (await service.storefront.product(buyer(), "p-0")).name == "P-0"
    assert detail.picture_url is None


async def test_similar_things_are_in_stock_and_near(service: CatalogServices) -> None:
    similar = await service.storefront.similar(buyer(), "p-0")
    assert len(similar) == 4
    assert all(card.available and card.slug != "p-0" for card in similar)
    assert similar[0].country == "TR"


async def test_sales_move_a_product_up(service: CatalogServices, uow: UnitOfWork) -> None:
    first = (await service.storefront.browse(buyer(), limit=1)).items[0]
    assert first.slug != "p-0"
    row = await service.storefront.product(buyer(), "p-0")
    async with uow() as tx:
        sold = "UPDATE stock_keys SET state = 'sold', order_line_id = :line, taken_at = :now WHERE variant_id = :id"
        await tx.execute(text(sold), {"line": tx.new_id(), "now": tx.now, "id": row.variants[0].id})
        await tx.execute(text("UPDATE products SET rank = 0"))
    assert await service.storefront.refresh_popularity() == 1
    assert await service.storefront.refresh_popularity() == 0
    assert (await service.storefront.browse(buyer(), limit=1)).items[0].slug == "p-0"
