"""What people see of the catalogue: categories, lists, products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from backend.catalog.repository import storefront, writes
from backend.catalog.repository.storefront import ListedProduct, ListFilter, ListKey, ProductFacts, VariantFacts
from backend.catalog.rules import buying, render_description
from backend.catalog.service.categories import Categories, CategoriesCache
from backend.catalog.types import (
    AVAILABILITY_CAP,
    MAX_QUANTITY,
    BuyBox,
    CategoryRow,
    ChoiceKind,
    CountryRow,
    ProductCard,
    ProductDetail,
    Sort,
    StockKind,
    VariantId,
    VariantOffer,
)
from backend.catalog.types.quantity_prices import read_steps, steps_below
from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import pick

_PAGE_SIZE: Final = 30
_MAX_PAGE: Final = 100
_SIMILAR: Final = 4


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    sort: Sort
    key: int
    id: UUID


class StorefrontService:
    """Reads categories and products in the actor's language and at their price. ``currency`` is the shop's."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency
        self._categories = CategoriesCache()

    async def version(self) -> int:
        """A number that grows with every change of the catalogue (not of the stock)."""
        async with self._uow.read() as tx:
            return await storefront.get_version(tx)

    async def categories(self, actor: Actor) -> list[CategoryRow]:
        """Every shown category in reading order, in the actor's language."""
        async with self._uow.read() as tx:
            categories = await self._categories.get(tx)
            return categories.rows(await self._categories.counts(tx), actor.language)

    async def countries(self) -> list[CountryRow]:
        """Countries that have products, the fullest first."""
        async with self._uow.read() as tx:
            return list((await self._categories.counts(tx)).countries)

    async def browse(
        self,
        actor: Actor,
        *,
        category: str | None = None,
        country: str | None = None,
        in_stock: bool = False,
        sort: Sort = Sort.POPULAR,
        cursor: str | None = None,
        limit: int = _PAGE_SIZE,
    ) -> Page[ProductCard]:
        """A page of listed products: of a category (its slug) with all below it, of a country, of both, or all.

        Raises NotFound for an unknown category, Invalid for a country that is not two letters or a bad cursor.
        """
        code = country_code(country)
        if sort is Sort.SHOP and category is None:
            sort = Sort.POPULAR
        limit = min(max(limit, 1), _MAX_PAGE)
        after = _place(cursor, sort)
        cards: list[ProductCard] = []
        async with self._uow.read() as tx:
            ids = (await self._categories.get(tx)).subtree(category) if category is not None else None
            chosen = ListFilter(ids, code, in_stock, sort)
            while True:
                rows = await storefront.list_products(tx, chosen, after, limit + 1)
                page = rows[:limit]
                # A product that sold out a moment ago may still be marked as in stock: the count decides.
                cards += [self.listed(row, actor) for row in page if row.available != 0 or not in_stock]
                if len(rows) <= limit:
                    return Page(cards)
                after = storefront.place_of(page[-1], sort)
                if cards:
                    return Page(cards, encode_cursor(_Cursor(sort, after.key, after.id)))

    async def product(self, actor: Actor, slug: str) -> ProductDetail:
        """A product with its variants, priced for the actor. Raises NotFound."""
        async with self._uow.read() as tx:
            row = await storefront.get_product(tx, slug)
            variants = [_variant(item, actor) for item in await storefront.list_variants(tx, row.id)]
        card = self._card(row, actor, _together(variants))
        description = pick(row.description, actor.language)
        return ProductDetail(
            **msgspec.structs.asdict(card),
            description=description,
            description_html=render_description(description),
            tags=tuple(row.tags),
            kind=StockKind(row.kind),
            choice=ChoiceKind(row.choice),
            category_name=pick(row.category_name, actor.language),
            variants=variants,
        )

    async def similar(self, actor: Actor, slug: str, limit: int = _SIMILAR) -> list[ProductCard]:
        """Other products that are in stock: of the same category and country, then of the categories beside it."""
        cards: dict[UUID, ProductCard] = {}
        async with self._uow.read() as tx:
            row = await storefront.get_product(tx, slug)
            family = (await self._categories.get(tx)).family(row.category_id)
            for ids, country in (([row.category_id], row.country), (family, row.country), (family, None)):
                chosen = ListFilter(ids, country, in_stock=True, sort=Sort.POPULAR)
                for other in await storefront.list_products(tx, chosen, None, limit + 1):
                    if other.id != row.id and other.available != 0:
                        cards.setdefault(other.id, self.listed(other, actor))
                if len(cards) >= limit:
                    break
        return list(cards.values())[:limit]

    def buy_box(
        self, actor: Actor, product: ProductDetail, variant_id: VariantId | None = None, quantity: int = 1
    ) -> BuyBox:
        """What the buy box of a product shows; without a known ``variant_id`` for the first variant in stock."""
        return buying.buy_box(product, buying.choose_variant(product, variant_id), quantity, actor)

    async def refresh_popularity(self) -> int:
        """Recount the sales of the last 30 days for the order "popular"; returns how many products changed."""
        async with self._uow() as tx:
            moved = await writes.refresh_popularity(tx)
            if moved:
                await writes.bump_version(tx)
        return moved

    async def tree(self, tx: Tx) -> Categories:
        """The categories as they are now."""
        return await self._categories.get(tx)

    def listed(self, row: ListedProduct, actor: Actor) -> ProductCard:
        """A product of a list, in the actor's language and at their price."""
        return self._card(row, actor, row.available, row.only_variant)

    def _card(
        self, row: ProductFacts, actor: Actor, available: int | None, only_variant: VariantId | None = None
    ) -> ProductCard:
        amount = row.reseller_amount if actor.is_reseller else row.price_amount
        name = pick(row.name, actor.language)
        return ProductCard(
            id=row.id,
            slug=row.slug,
            name=name,
            title=product_name(name, row.country, actor.language),
            summary=pick(row.summary, actor.language),
            hue=row.hue,
            icon=row.icon,
            country=row.country,
            category=row.category,
            price_from=Money(amount, self._currency),
            prices_differ=row.prices_differ,
            available=available,
            premium_only=row.premium_only,
            picture=row.picture,
            only_variant=only_variant,
        )


def _together(variants: Sequence[VariantOffer]) -> int | None:
    """How many of all variants are left; None when one of them is never sold out."""
    left = 0
    for item in variants:
        if item.available is None:
            return None
        left += item.available
    return min(left, AVAILABILITY_CAP)


def _variant(row: VariantFacts, actor: Actor) -> VariantOffer:
    public = Money(row.price_amount, row.currency)
    reseller = row.reseller_amount if actor.is_reseller else None
    price = public if reseller is None else Money(reseller, row.currency)
    largest = min(row.max_quantity or MAX_QUANTITY, row.per_person_limit or MAX_QUANTITY)
    return VariantOffer(
        id=row.id,
        code=row.code,
        name=pick(row.name, actor.language),
        note=pick(row.note, actor.language),
        price=price,
        public_price=public,
        available=row.available,
        min_quantity=row.min_quantity,
        max_quantity=row.max_quantity,
        per_person_limit=row.per_person_limit,
        quantity_prices=steps_below(price, read_steps(row.quantity_prices, row.currency), largest),
        subscription_days=row.subscription_days,
        promised_hours=row.promised_hours,
        file_kind=row.file_kind,
        file_size=row.file_size,
        warranty_days=row.warranty_days,
    )


def country_code(code: str | None) -> str | None:
    """A country's code in capitals; None for none. Raises Invalid for what has not two letters."""
    if code is None:
        return None
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        raise Invalid("a country has two letters", fields={"country": "unknown_country"})
    return code.upper()


def _place(cursor: str | None, sort: Sort) -> ListKey | None:
    if cursor is None:
        return None
    place = decode_cursor(cursor, _Cursor)
    if place.sort is not sort or abs(place.key) >= 2**63:
        raise Invalid("the cursor is of another list", fields={"cursor": "bad_cursor"})
    return ListKey(place.key, place.id)
