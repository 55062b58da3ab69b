"""What orders do with the catalogue inside their own transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from backend.catalog.repository import favourites, offers, premium, stock, storefront
from backend.catalog.rules.naming import read_name
from backend.catalog.types import AVAILABILITY_CAP, NamedProduct, Offer, ProductId, StockSubject, VariantId
from backend.catalog.types.favourites import Favourite
from backend.catalog.types.fulfilment import FulfilmentLine
from backend.catalog.types.offers import StockedOffer
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.text import like

_FINGERPRINTS_AT_ONCE: Final = 1000


async def get_offer(tx: Tx, variant_id: VariantId, *, reseller: bool) -> Offer:
    """The variant as it can be bought now, at the reseller's price or the public one.

    Raises NotFound for a variant that is hidden, by itself or with its product or category.
    """
    (offer,) = await get_offers(tx, [variant_id], reseller=reseller)
    return offer


async def get_offers(tx: Tx, variants: Sequence[VariantId], *, reseller: bool) -> list[Offer]:
    """Variants as they can be bought now, in their order. Raises NotFound as get_offer does."""
    return await offers.get_offers(tx, variants, reseller=reseller)


async def list_category_slugs(tx: Tx, products: Collection[ProductId]) -> dict[ProductId, frozenset[str]]:
    """The slugs of each product's category and of all categories above it."""
    return await storefront.list_category_slugs(tx, products)


async def find_name(tx: Tx, *, category: str = "", product: str = "") -> dict[str, str] | None:
    """The name, by language, of the category or product with this slug, hidden or not; None for an unknown one."""
    return await storefront.find_name(tx, category=category, product=product)


async def list_offers(
    tx: Tx, variants: Collection[VariantId], *, reseller: bool, buyer: UserId | None = None
) -> dict[VariantId, StockedOffer]:
    """What is known of each of the variants, hidden or not, at the reseller's price or the public one.

    What is held for the ``buyer`` in a line counts as available.
    """
    return await offers.list_offers(tx, variants, reseller=reseller, buyer=buyer)


async def find_favourite(tx: Tx, user_id: UserId, product_id: ProductId) -> Favourite | None:
    """A product that a person likes, as it is now; None for one that they do not like any more."""
    return next(iter(await favourites.list_own(tx, user_id, product_id)), None)


async def get_listed(tx: Tx, product_id: ProductId) -> NamedProduct:
    """The product as a message names it. Raises NotFound where it is not listed."""
    return await storefront.get_listed(tx, product_id)


async def count_available(
    tx: Tx, variant_id: VariantId, at_most: int = AVAILABILITY_CAP, buyer: UserId | None = None
) -> int:
    """How many can be bought now, counted up to ``at_most``, which is also said of what never runs out.

    With a ``buyer`` also what is held for them in a line.
    """
    return await stock.count_available(tx, variant_id, at_most, buyer)


async def person_limit(tx: Tx, variant_id: VariantId) -> int | None:
    """How many of a variant one person may have; None for any number."""
    return await stock.find_person_limit(tx, variant_id)


async def list_premium_months(tx: Tx, variants: Collection[VariantId]) -> dict[VariantId, int]:
    """How many months of premium one of each variant gives, of those that give some."""
    return await premium.list_months(tx, variants)


async def list_for_members(tx: Tx, variants: Collection[VariantId]) -> set[VariantId]:
    """Those of the variants that only premium members may buy."""
    return await premium.list_for_members(tx, variants)


async def find_slug_of_kind(tx: Tx, kind: str) -> str | None:
    """The listed product of a kind that sells best; None without one."""
    return await premium.find_slug_of_kind(tx, kind)


async def find_stock_subject(tx: Tx, variant_id: VariantId) -> StockSubject | None:
    """The variant as an alert about its stock names it, and what is left now; None for an unknown variant."""
    return await stock.find_subject(tx, variant_id)


async def list_variants_named(tx: Tx, query: str, limit: int) -> list[VariantId]:
    """The variants that have each word of ``query`` in their names, in any language; those that sell best first.

    Of more than 5,000 products with the words, any 5,000 are looked at.
    """
    name = read_name(query)
    patterns = [like(word) for word in query.lower().split()]
    return await stock.list_variants_named(tx, name, patterns, limit) if name else []


async def list_lines_with_key(tx: Tx, ring: KeyRing, key: bytes) -> list[OrderLineId]:
    """The order lines that have this key, found by its fingerprint: nothing is decrypted."""
    variants = await stock.list_stocked_variants(tx)
    lines: list[OrderLineId] = []
    for at in range(0, len(variants), _FINGERPRINTS_AT_ONCE):
        some = variants[at : at + _FINGERPRINTS_AT_ONCE]
        lines += await stock.list_key_lines(tx, some, [ring.fingerprint(key, one.bytes) for one in some])
    return lines


def unordered_line(tx: Tx, buyer: UserId, offer: Offer, quantity: int) -> FulfilmentLine:
    """So many of an offer as a line that no order has yet, as its fulfiller sees it."""
    return FulfilmentLine(
        id=OrderLineId(tx.new_id()),
        kind=offer.kind,
        product_id=offer.product_id,
        variant_id=offer.variant_id,
        quantity=quantity,
        buyer=buyer,
        recipient=buyer,
    )
