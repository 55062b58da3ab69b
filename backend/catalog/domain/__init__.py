"""What orders do with the catalogue inside their own transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from backend.catalog.repository import offers, stock, storefront
from backend.catalog.types import AVAILABILITY_CAP, Offer, ProductId, StockSubject, VariantId
from backend.catalog.types.offers import StockedOffer
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId
from backend.kernel.text import like

_FINGERPRINTS_AT_ONCE: Final = 1000


async def get_offer(tx: Tx, variant_id: VariantId, *, reseller: bool) -> Offer:
    """The variant as it can be bought now, at the reseller's price or the public one.

    Raises NotFound for a variant that is hidden, by itself or with its product or category.
    """
    return await storefront.get_offer(tx, variant_id, reseller=reseller)


async def list_category_slugs(tx: Tx, products: Collection[ProductId]) -> dict[ProductId, frozenset[str]]:
    """The slugs of each product's category and of all categories above it."""
    return await storefront.list_category_slugs(tx, products)


async def find_name(tx: Tx, *, category: str = "", product: str = "") -> dict[str, str] | None:
    """The name, by language, of the category or product with this slug, hidden or not; None for an unknown one."""
    return await storefront.find_name(tx, category=category, product=product)


async def list_offers(tx: Tx, variants: Collection[VariantId], *, reseller: bool) -> dict[VariantId, StockedOffer]:
    """What is known of each of the variants, hidden or not, at the reseller's price or the public one."""
    return await offers.list_offers(tx, variants, reseller=reseller)


async def count_available(tx: Tx, variant_id: VariantId, at_most: int = AVAILABILITY_CAP) -> int:
    """How many can be bought now, counted up to ``at_most``, which is also said of what never runs out."""
    return await stock.count_available(tx, variant_id, at_most)


async def person_limit(tx: Tx, variant_id: VariantId) -> int | None:
    """How many of a variant one person may have; None for any number."""
    return await stock.find_person_limit(tx, variant_id)


async def find_stock_subject(tx: Tx, variant_id: VariantId) -> StockSubject | None:
    """The variant as an alert about its stock names it, and what is left now; None for an unknown variant."""
    return await stock.find_subject(tx, variant_id)


async def list_variants_named(tx: Tx, query: str, limit: int) -> list[VariantId]:
    """The variants that have each word of ``query`` in their names, in any language; those that sell best first."""
    return await stock.list_variants_named(tx, [like(word) for word in query.lower().split()], limit)


async def list_lines_with_key(tx: Tx, ring: KeyRing, key: bytes) -> list[OrderLineId]:
    """The order lines that have this key, found by its fingerprint: nothing is decrypted."""
    variants = await stock.list_stocked_variants(tx)
    lines: list[OrderLineId] = []
    for at in range(0, len(variants), _FINGERPRINTS_AT_ONCE):
        some = variants[at : at + _FINGERPRINTS_AT_ONCE]
        lines += await stock.list_key_lines(tx, some, [ring.fingerprint(key, one.bytes) for one in some])
    return lines
