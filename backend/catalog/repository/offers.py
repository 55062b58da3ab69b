"""SQL of many offers at once, of variants that are no longer for sale too."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.repository.availability import of_variant
from backend.catalog.types import AVAILABILITY_CAP, Offer, ProductId, VariantId
from backend.catalog.types.offers import StockedOffer
from backend.infra.unit_of_work import Tx
from backend.kernel.money import Money

_OFFERS = text(
    f"""
    SELECT v.id, v.product_id, v.name AS variant_name, v.price_amount, v.reseller_amount, v.currency, v.min_quantity,
           v.max_quantity, v.per_person_limit, p.slug, p.name, p.hue, p.icon, p.country, p.picture, p.premium_only,
           p.kind, (p.listed AND NOT v.hidden) AS for_sale, {of_variant(str(AVAILABILITY_CAP))} AS available
    FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = ANY(:variants)
    """  # noqa: S608 - constants of ours
).bindparams(bindparam("variants", type_=ARRAY(Uuid())))


async def list_offers(tx: Tx, variants: Collection[VariantId], *, reseller: bool) -> dict[VariantId, StockedOffer]:
    """The offers of those variants that exist, at the reseller's price or the public one."""
    rows = (await tx.execute(_OFFERS, {"variants": list(variants)})).all() if variants else ()
    return {VariantId(row.id): _stocked(row, reseller=reseller) for row in rows}


def _stocked(row: Any, *, reseller: bool) -> StockedOffer:
    return StockedOffer(offer_of(row, reseller=reseller), row.for_sale, row.available)


def offer_of(row: Any, *, reseller: bool) -> Offer:
    """The offer that a row of a variant and its product makes, at a reseller's price where there is one."""
    amount = row.reseller_amount if reseller and row.reseller_amount is not None else row.price_amount
    return Offer(
        variant_id=VariantId(row.id),
        product_id=ProductId(row.product_id),
        slug=row.slug,
        name=row.name,
        variant_name=row.variant_name,
        hue=row.hue,
        icon=row.icon,
        country=row.country,
        picture=row.picture,
        unit_price=Money(amount, row.currency),
        public_price=Money(row.price_amount, row.currency),
        min_quantity=row.min_quantity,
        max_quantity=row.max_quantity,
        per_person_limit=row.per_person_limit,
        premium_only=row.premium_only,
        kind=row.kind,
    )
