"""What the buy box of a product's page offers: the variant, and the quantity within its limits."""

from __future__ import annotations

from backend.catalog.types import AVAILABILITY_CAP, BuyBox, BuyState, ProductDetail, VariantId, VariantOffer
from backend.identity.types import Actor


def choose_variant(product: ProductDetail, variant_id: VariantId | None) -> VariantOffer:
    """The wanted variant, else the first one in stock, else the first."""
    chosen = next((item for item in product.variants if item.id == variant_id), None)
    if chosen is not None:
        return chosen
    return next((item for item in product.variants if item.in_stock), product.variants[0])


def buy_box(product: ProductDetail, variant: VariantOffer, quantity: int, actor: Actor) -> BuyBox:
    """The buy box of ``variant``, with ``quantity`` brought within its limits."""
    limits = [variant.largest_order]
    if variant.per_person_limit is not None:
        limits.append(variant.per_person_limit)
    if variant.available is not None and variant.available < AVAILABILITY_CAP:  # at the cap there may be more
        limits.append(variant.available)
    maximum = max(min(limits), variant.min_quantity)
    allowed = min(max(quantity, variant.min_quantity), maximum)
    state = BuyState.BUY if variant.in_stock else BuyState.SOLD_OUT
    if product.premium_only and not actor.is_premium:
        state = BuyState.PREMIUM_ONLY
    return BuyBox(
        variant=variant,
        state=state,
        quantity=allowed,
        minimum=variant.min_quantity,
        maximum=maximum,
        per_person_limit=variant.per_person_limit,
    )
