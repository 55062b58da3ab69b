"""The search: writings that find the same, what is not found, paging, what changes while one looks."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from backend.catalog.service import CatalogServices
from backend.catalog.types import ProductCard, Sort
from backend.catalog.types.search import SearchFilters, SearchPage
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.paging import encode_cursor
from backend.kernel.text import Locale
from tests.factories.catalog import buyer, catalog_services, category, import_keys, import_rows, product, variant

_CARDS = {"name_en": "Gift cards", "name_ru": "Подарочные карты", "name_ar": "بطاقات الهدايا"}
_GOODS = (
    product("steam-us", country="US", name_en="Steam card"),
    product("netflix-tr", country="TR", name_en="Netflix", summary_en="Films and series"),
    product("windows", "software", name_en="Windows key", name_ru="Ключ Windows", name_ar="مفتاح ويندوز"),
    product("tree", name_en="Christmas tree", name_ru="Ёлка", name_ar="شجرة"),
    product("gift", name_en="Present", name_ru="Подарок", name_ar="هدية"),
    product("iphone", name_en="Phone case", name_ru="Чехол", name_ar="غطاء أيفون"),
    product("fifty", name_en="Coins 50", name_ru="Монеты 50", name_ar="عملات 50"),
    product("office", "software", name_en="Office 2021", name_ru="Офис 2021", name_ar="أوفيس 2021"),
    product("card-ar", name_en="Plastic", name_ru="Пластик", name_ar="بِطَاقَة"),
    product("puzzle", name_en="Gems", name_ru="Пфяз", name_ar="جواهر"),
)


@pytest.fixture
async def service(uow: UnitOfWork, ring: KeyRing) -> AsyncIterator[CatalogServices]:
    """A shop whose goods are named in three languages."""
    service = catalog_services(uow, ring)
    rows = [category("cards", **_CARDS), category("software", name_en="Software", name_ru="Программы")]
    for row in _GOODS:
        rows += [row, variant(row["slug"])]
    report = await import_rows(service, rows)
    assert report.applied, report.problems
    yield service


async def slugs(service: CatalogServices, typed: str, language: Locale = Locale.EN, **narrow: object) -> list[str]:
    """What a search finds, by slug, in its order."""
    page = await service.search.search(buyer(language=language), typed, SearchFilters(**narrow))  # type: ignore[arg-type]
    return [card.slug for card in page.items]


@pytest.mark.parametrize(
    ("slug", "writings"),
    [
        ("steam-us", "steam|STEAM|stea|staem|stem|ыеуфь|стим|ستيم|سفثشة|steam card usa|🇺🇸 steam|steam us|сша steam"),
        ("netflix-tr", "netlfix|нетфликс|نتفلكس|netflix turkey|netflix türkiye|нетфликс турция|турция|تركيا netflix"),
        ("netflix-tr", "netlf|films|seires|🇹🇷"),
        ("windows", "windows kluch|люч виндовс|ключ windows|виндовс|windows|rk.x windows|مفتاح ويندوز|программы win"),
        ("tree", "ёлка|елка|ЕЛКА|christmas tree|شجره|shristmas"),
        ("gift", "هدية|هديه|هَدِيَّة|подарок|present|пдоарок"),
        ("iphone", "أيفون|ايفون|آيفون|غطاء|чехол|iphone"),
        ("fifty", "50|۵۰|٥٠|５０|coins 50|монеты ٥٠"),
        ("office", "office2021|office 2021|Office-2021|офис2021|۲۰۲۱|أوفيس"),
        ("card-ar", "بِطَاقَة|بطاقه|بطاقة|البطاقة|ﺑﻄﺎﻗﺔ|بطـــاقة"),
    ],
)
async def test_every_writing_finds_it_whatever_the_reader_s_language(
    service: CatalogServices, slug: str, writings: str
) -> None:
    for typed, language in zip(writings.split("|"), itertools.cycle(Locale), strict=False):
        assert slug in await slugs(service, typed, language), typed


async def test_a_reading_comes_after_what_is_really_written_so(service: CatalogServices) -> None:
    # "пфяз" typed on the other keyboard is "gazp", and "gems" is "пуьы": the product called so comes first.
    await import_rows(service, [product("gazp", name_en="Gazp"), variant("gazp")])
    assert await slugs(service, "пфяз") == ["puzzle", "gazp"]


async def test_a_wrong_keyboard_that_means_nothing_does_no_harm(service: CatalogServices) -> None:
    assert await slugs(service, "тюеадшч") == []


async def test_what_has_no_word_finds_nothing_and_cannot_be_wished_for(service: CatalogServices) -> None:
    for typed in ("", "   ", *"%_'\"\\!@-", ":*", "&|!", "()", "😀🎁", "\u202e", "\u200f\u202e"):
        page = await service.search.search(buyer(), typed)
        assert (page.items, page.near, page.can_wish, page.facets.countries) == ([], [], False, ()), typed


async def test_odd_signs_are_only_signs(service: CatalogServices) -> None:
    long = ["9" * 20, "a" * 10_000, "ш" * 10_000, "a " * 5_000, "steam " * 2_000]
    odd = ["st'eam", "steam & !card", "st%m", "st_am", "@steam", "ﷺ", "ß", "\ud800steam", "ستيم \u202esteam"]
    for typed in long + odd:
        for sort in (None, Sort.PRICE):
            page = await service.search.search(buyer(), typed, SearchFilters(sort=sort))
            assert len(page.items) <= 20, typed
    for typed in ("steam\u202e", "\u200fsteam😀", "steam:*", "'steam", "steam\x00", "\\steam", "(steam)", "steam|"):
        assert await slugs(service, typed) == ["steam-us"], typed


async def walk(service: CatalogServices, typed: str, limit: int, filters: SearchFilters) -> list[ProductCard]:
    """Every page of a search, one after the other."""
    cards: list[ProductCard] = []
    cursor = None
    while True:
        page = await service.search.search(buyer(), typed, filters, cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        cards += page.items
        cursor = page.next_cursor
        if cursor is None:
            return cards


@pytest.fixture
async def shelf(uow: UnitOfWork, ring: KeyRing) -> AsyncIterator[CatalogServices]:
    """Equal prices and ranks; half in stock, a third named "token", all of the category "tokens"."""
    shelf = catalog_services(uow, ring)
    rows = [category("tokens")]
    for number in range(23):
        name = "Token" if number % 3 == 0 else "Thing"
        rows.append(product(f"p-{number}", "tokens", name_en=name, rank=str(number % 2), country="TR"))
        rows.append(variant(f"p-{number}", price=f"{1 + number % 3}.00"))
    await import_rows(shelf, rows)
    for number in range(0, 23, 2):
        await import_keys(shelf, f"p-{number}/one", [f"K{number}"])
    yield shelf


@pytest.mark.parametrize("typed", ["token", "tokne", "turkey tok"])
async def test_each_product_comes_once_whatever_the_page(shelf: CatalogServices, typed: str) -> None:
    for sort in (None, *Sort):
        whole = [card.slug for card in await walk(shelf, typed, 50, SearchFilters(sort=sort))]
        assert sorted(whole) == sorted(f"p-{number}" for number in range(23))
        for limit in (3, 22, 23):
            assert [card.slug for card in await walk(shelf, typed, limit, SearchFilters(sort=sort))] == whole


def _rank(card: ProductCard) -> tuple[bool, bool]:
    return card.name != "Token", card.available == 0


async def test_names_come_first_then_what_is_in_stock(shelf: CatalogServices) -> None:
    cards = await walk(shelf, "token", 5, SearchFilters())
    assert [_rank(card) for card in cards] == sorted(_rank(card) for card in cards)


async def test_a_search_is_narrowed_and_sorted(shelf: CatalogServices) -> None:
    cards = await walk(shelf, "token", 4, SearchFilters(in_stock=True, sort=Sort.PRICE, most=200, country="tr"))
    prices = [card.price_from.amount for card in cards]
    assert prices == sorted(prices) and set(prices) == {100, 200}
    assert all(card.available for card in cards)
    assert await walk(shelf, "token", 4, SearchFilters(country="US")) == []
    assert len(await walk(shelf, "thing", 4, SearchFilters(category="tokens"))) == 15
    with pytest.raises(NotFound):
        await shelf.search.search(buyer(), "token", SearchFilters(category="nowhere"))
    with pytest.raises(Invalid):
        await shelf.search.search(buyer(), "token", SearchFilters(country="T1"))


async def test_a_cursor_that_is_none_is_refused(shelf: CatalogServices) -> None:
    no_one, far = UUID(int=0), 2**63
    forged = [(None, False, tier, key, no_one) for tier, key in ((4, 0), (-1, 0), (0, far))]
    for cursor in ("x", "W10", *map(encode_cursor, forged), encode_cursor(("new", False, 0, 0, no_one))):
        with pytest.raises(Invalid):
            await shelf.search.search(buyer(), "token", cursor=cursor)


async def _first(service: CatalogServices, typed: str) -> SearchPage:
    return await service.search.search(buyer(), typed)


async def test_facets_are_of_the_whole_search(service: CatalogServices) -> None:
    rows = [product("psn", country="TR", name_en="Steam gems"), variant("psn", price="60.00")]
    await import_rows(service, rows)
    facets = (await service.search.search(buyer(), "steam", SearchFilters(country="US"))).facets
    assert set(facets.countries) == {"US", "TR"}
    assert [price.amount for price in facets.prices] == [1000, 2500, 5000]
    assert set((await _first(service, "2021 office")).facets.categories) == set()


async def test_an_empty_result_offers_near_ones(service: CatalogServices) -> None:
    page = await _first(service, "hotel netflix japan")
    assert (page.items, [card.slug for card in page.near], page.can_wish) == ([], ["netflix-tr"], True)
    both = await _first(service, "netflix key windows")  # never together: the rarest, of equally rare ones the first
    assert [card.slug for card in both.near] == ["netflix-tr"]


async def test_what_changes_is_found_by_its_new_words_only(service: CatalogServices) -> None:
    await import_rows(service, [product("steam-us", name_en="Vapour card")])
    assert await slugs(service, "vapour") == ["steam-us"]
    assert await slugs(service, "steam") == []
    await import_rows(service, [{**variant("steam-us"), "name_en": "Zeppelin"}])
    assert await slugs(service, "zeppelin") == ["steam-us"]
    await import_rows(service, [category("cards", name_en="Vouchers", name_ru="Ваучеры", name_ar="قسائم")])
    assert "steam-us" in await slugs(service, "ваучеры")
    assert await slugs(service, "подарочные") == []
    await import_rows(service, [product("steam-us", hidden="yes")])
    assert await slugs(service, "vapour") == []
    await import_rows(service, [product("steam-us", hidden="no")])
    await import_rows(service, [category("cards", hidden="yes")])
    assert await slugs(service, "vapour") == []


async def test_what_sells_out_while_listed_says_so(service: CatalogServices) -> None:
    await import_keys(service, "steam-us/one", ["KEY-1"])
    (card,) = (await _first(service, "steam")).items
    assert card.available == 1
    assert await slugs(service, "steam", in_stock=True) == ["steam-us"]
    assert await slugs(service, "netflix", in_stock=True) == []
