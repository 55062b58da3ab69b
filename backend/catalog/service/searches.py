"""What people searched for: their own latest searches, and what they want to be told of."""

from __future__ import annotations

from typing import Final

from backend.catalog.domain import search_index
from backend.catalog.repository import searches
from backend.catalog.rules.queries import read
from backend.catalog.service.search import SearchService
from backend.catalog.types.search import LONGEST_QUERY, SearchFilters, WishFound, WishRow
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid
from backend.kernel.text import searched

_RECENT: Final = 8
_WISHES: Final = 20
_SHOWN: Final = 200


class SearchesService:
    """Remembers searches, and keeps what they read current."""

    def __init__(self, *, uow: UnitOfWork, search: SearchService) -> None:
        self._uow = uow
        self._search = search

    async def recent(self, actor: Actor) -> list[str]:
        """What the actor searched for, the latest first, at most eight."""
        async with self._uow.read() as tx:
            return await searches.list_recent(tx, actor.id)

    async def remember(self, actor: Actor, typed: str) -> None:
        """Note a search as the actor's latest; one without a word is not noted."""
        words = read(typed)
        if words:
            async with self._uow() as tx:
                await searches.add_recent(tx, actor.id, words.key, _shown(typed), _RECENT)

    async def forget(self, actor: Actor) -> None:
        """Forget what the actor searched for."""
        async with self._uow() as tx:
            await searches.delete_recent(tx, actor.id)

    async def wish(self, actor: Actor, typed: str) -> None:
        """Have the actor told once when this search finds something. Raises Invalid for one without a word."""
        words = read(typed)
        if not words:
            raise Invalid("no word to search for", fields={"q": "required"})
        async with self._uow() as tx:
            await searches.add_wish(tx, actor.id, words.key, _shown(typed), _WISHES)

    async def wishes(self, actor: Actor) -> list[WishRow]:
        """What people asked for and the shop does not have, the most wanted first. Raises Forbidden."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            return await searches.list_open_wishes(tx, _SHOWN)

    async def tell_wishers(self) -> int:
        """Tell those whose search finds something in stock now; returns how many."""
        notified = 0
        async with self._uow.read() as tx:
            open_wishes = await searches.list_open_wishes(tx, _SHOWN)
        for wish in open_wishes:
            page = await self._search.search(Actor.system(), wish.typed, SearchFilters(in_stock=True), limit=1)
            if not page.items:
                continue
            product_id = page.items[0].id
            async with self._uow() as tx:
                people = await searches.take_wishers(tx, wish.key, product_id)
                for user_id, typed in people:
                    tx.emit(WishFound(user_id=user_id, key=wish.key, typed=typed, product_id=product_id))
            notified += len(people)
        return notified

    async def refresh_index(self) -> int:
        """Make the search's documents that are missing or were made by an older version; returns how many."""
        refreshed = 0
        while True:
            async with self._uow() as tx:
                some = await search_index.refresh_stale(tx)
            if not some:
                return refreshed
            refreshed += some


def _shown(typed: str) -> str:
    return searched(typed)[:LONGEST_QUERY]
