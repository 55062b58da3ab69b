"""Documents made in the background, recent searches, and what people wish for."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.catalog.service import CatalogServices
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid
from tests.factories.catalog import add_variant, buyer, catalog_services, import_keys, import_rows, product
from tests.factories.wallet import actor_of, add_person


@pytest.fixture
def service(uow: UnitOfWork, ring: KeyRing) -> CatalogServices:
    """An empty shop."""
    return catalog_services(uow, ring)


async def _person(uow: UnitOfWork) -> Actor:
    async with uow() as tx:
        return actor_of(await add_person(tx))


async def _slugs(service: CatalogServices, typed: str) -> list[str]:
    return [card.slug for card in (await service.search.search(buyer(), typed)).items]


@pytest.mark.parametrize("change", ["DELETE FROM search_documents", "UPDATE search_documents SET fold_version = 0"])
async def test_documents_that_are_missing_or_old_are_made_again(
    service: CatalogServices, uow: UnitOfWork, change: str
) -> None:
    await add_variant(service, "steam")
    async with uow() as tx:
        await tx.execute(text(change))
        await tx.execute(text("UPDATE search_documents SET words = ''"))
    assert await _slugs(service, "steam") == []
    assert await service.searches.refresh_index() == 1
    assert await _slugs(service, "steam") == ["steam"]
    assert await service.searches.refresh_index() == 0


async def test_a_document_that_is_made_twice_counts_its_words_once(service: CatalogServices, uow: UnitOfWork) -> None:
    counted = text("SELECT products, named FROM search_words WHERE word = 'steam'")
    await add_variant(service, "steam")
    await import_rows(service, [product("steam", summary_en="Steam again")])
    async with uow.read() as tx:
        assert tuple((await tx.execute(counted)).one()) == (1, 1)
    await import_rows(service, [product("steam", name_en="Vapour")])
    async with uow.read() as tx:
        assert tuple((await tx.execute(counted)).one()) == (1, 0)


async def test_recent_searches_are_one_s_own_few_and_can_be_forgotten(
    service: CatalogServices, uow: UnitOfWork
) -> None:
    one, other = await _person(uow), await _person(uow)
    for number in range(10):
        await service.searches.remember(one, f"card {number}")
    for typed in ("CARD  3", "  ", "😀", "\u202e"):
        await service.searches.remember(one, typed)
    recent = await service.searches.recent(one)
    assert len(recent) == 8
    assert recent.count("CARD 3") == 1
    assert "card 3" not in recent
    assert await service.searches.recent(other) == []
    await service.searches.forget(one)
    assert await service.searches.recent(one) == []


async def test_who_asked_for_something_is_told_once_when_it_is_in_stock(
    service: CatalogServices, uow: UnitOfWork
) -> None:
    people = [await _person(uow) for _ in range(3)]
    for person, typed in zip(people, ("Netflix", "NETFLIX", "нетфликс"), strict=True):
        await service.searches.wish(person, typed)
        await service.searches.wish(person, typed)
    admin = Actor.system()
    assert [(wish.typed.lower(), wish.people) for wish in await service.searches.wishes(admin)] == [
        ("netflix", 2),
        ("нетфликс", 1),
    ]
    assert await service.searches.tell_wishers() == 0
    await add_variant(service, "netflix")
    assert await service.searches.tell_wishers() == 0  # it is sold out still
    await import_keys(service, "netflix/one", ["KEY"])
    assert await service.searches.tell_wishers() == 3
    assert (await service.searches.tell_wishers(), await service.searches.wishes(admin)) == (0, [])


async def test_a_wish_has_a_word_and_its_list_is_for_those_who_fill_the_catalogue(
    service: CatalogServices, uow: UnitOfWork
) -> None:
    person = await _person(uow)
    with pytest.raises(Invalid):
        await service.searches.wish(person, " \u202e😀")
    with pytest.raises(Forbidden) as refused:
        await service.searches.wishes(person)
    assert Permission.CATALOGUE.value in str(refused.value)
