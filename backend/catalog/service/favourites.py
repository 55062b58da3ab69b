"""Products that a person likes: the heart on a product, their list, and what they are told."""

from __future__ import annotations

from collections.abc import Collection

from backend.catalog.errors import TooManyFavourites
from backend.catalog.repository import favourites, storefront
from backend.catalog.types.favourites import MOST_FAVOURITES, Favourite, FavouriteChanged
from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money


class FavouritesService:
    """One list for each person. ``currency`` is the shop's."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

    async def add(self, actor: Actor, slug: str) -> None:
        """Like a product; nothing changes where the actor does. Raises NotFound, TooManyFavourites."""
        async with self._uow() as tx:
            product = await storefront.get_product(tx, slug)
            if await favourites.count(tx, actor.id) >= MOST_FAVOURITES:
                raise TooManyFavourites(limit=MOST_FAVOURITES)
            variants = await storefront.list_variants(tx, product.id)
            amount = product.reseller_amount if actor.is_reseller else product.price_amount
            await favourites.add(
                tx,
                actor.id,
                product.id,
                Money(amount, self._currency),
                reseller=actor.is_reseller,
                out=all(item.available == 0 for item in variants),
            )

    async def remove(self, actor: Actor, slug: str) -> None:
        """No longer like a product, listed or not; does nothing where the actor does not."""
        async with self._uow() as tx:
            await favourites.remove(tx, actor.id, slug)

    async def list_liked(self, actor: Actor, slugs: Collection[str]) -> set[str]:
        """Those of the products that the actor likes."""
        async with self._uow.read() as tx:
            return await favourites.list_liked(tx, actor.id, slugs)

    async def list_own(self, actor: Actor) -> list[Favourite]:
        """What the actor likes, with the prices of then and now."""
        async with self._uow.read() as tx:
            return await favourites.list_own(tx, actor.id)

    async def count(self, actor: Actor) -> int:
        """How many products the actor likes."""
        async with self._uow.read() as tx:
            return await favourites.count(tx, actor.id)

    async def tell_changed(self) -> int:
        """Have people told of what they like that is back in stock or cheaper; returns how many messages."""
        notified = 0
        while True:
            async with self._uow() as tx:
                await favourites.note_sold_out(tx)
                changed = await favourites.take_changed(tx, self._currency)
                for one in changed:
                    tx.emit(
                        FavouriteChanged(
                            user_id=one.user_id, product_id=one.product_id, known=one.known, returned=one.returned
                        )
                    )
            if not changed:
                return notified
            notified += len(changed)
