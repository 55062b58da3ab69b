"""SQL of many offers at once, of variants that are no longer for sale too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.repository.availability import of_variant_for
from backend.catalog.types import AVAILABILITY_CAP, NO_WARRANTY, Offer, ProductId, VariantId
from backend.catalog.types.offers import StockedOffer
from backend.catalog.types.quantity_prices import read_steps
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money

_WARRANTED_NOT = ", ".join(f"'{kind}'" for kind in sorted(NO_WARRANTY))
WARRANTY: Final = f"CASE WHEN p.kind IN ({_WARRANTED_NOT}) THEN 0 ELSE v.warranty_days END"
"""Months of premium and places in courses have nothing that could fail to work."""
PROMISED: Final = "CASE p.kind WHEN 'by_hand' THEN v.promised_hours END"
"""SQL of how long variant ``v`` of product ``p`` takes at most; NULL where it is delivered at once."""
_OFFERED: Final = "FROM file_offers o JOIN file_versions f ON f.id = o.file_id WHERE o.variant_id = v.id"
FILE_KIND: Final = f"CASE p.kind WHEN 'file' THEN (SELECT f.kind {_OFFERED}) END"
"""SQL of what kind of file variant ``v`` of product ``p`` is; NULL for other goods."""
FILE_SIZE: Final = f"CASE p.kind WHEN 'file' THEN (SELECT f.size {_OFFERED}) END"
_COLUMNS = f"""
    v.id, v.product_id, v.name AS variant_name, v.price_amount, v.reseller_amount, v.currency, v.min_quantity,
    v.max_quantity, v.per_person_limit, v.quantity_prices, v.subscription_days, {WARRANTY} AS warranty_days,
    p.slug, p.name, p.hue, p.icon, p.country, p.picture, p.premium_only, p.kind, {PROMISED} AS promised_hours"""
_FOR_SALE = HotStatement(
    text(
        f"""
    SELECT {_COLUMNS} FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.id = ANY(:variants) AND p.listed AND NOT v.hidden
    """  # noqa: S608 - constants of ours
    ).bindparams(bindparam("variants", type_=ARRAY(Uuid())))
)
_OFFERS = HotStatement(
    text(
        f"""
    SELECT {_COLUMNS}, (p.listed AND NOT v.hidden) AS for_sale,
           {of_variant_for(":buyer", str(AVAILABILITY_CAP))} AS available
    FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = ANY(:variants)
    """  # noqa: S608 - constants of ours
    ).bindparams(bindparam("variants", type_=ARRAY(Uuid())), bindparam("buyer", type_=Uuid()))
)


async def get_offers(tx: Tx, variants: Sequence[VariantId], *, reseller: bool) -> list[Offer]:
    """The variants as an order needs them, in their order. Raises NotFound when one is not for sale."""
    rows = await tx.fetch(_FOR_SALE, {"variants": list(variants)})
    offers = {row["id"]: _offer_of(row, reseller=reseller) for row in rows}
    if any(variant_id not in offers for variant_id in variants):
        raise NotFound("no such variant for sale")
    return [offers[variant_id] for variant_id in variants]


async def list_offers(
    tx: Tx, variants: Collection[VariantId], *, reseller: bool, buyer: UserId | None = None
) -> dict[VariantId, StockedOffer]:
    """The offers of those variants that exist, at the reseller's price or the public one.

    What is held for the ``buyer`` counts as available.
    """
    rows = await tx.fetch(_OFFERS, {"variants": list(variants), "buyer": buyer}) if variants else ()
    return {VariantId(row["id"]): _stocked(row, reseller=reseller) for row in rows}


def _stocked(row: Mapping[str, Any], *, reseller: bool) -> StockedOffer:
    return StockedOffer(_offer_of(row, reseller=reseller), row["for_sale"], row["available"])


def _offer_of(row: Mapping[str, Any], *, reseller: bool) -> Offer:
    """The offer that a row of a variant and its product makes, at a reseller's price where there is one."""
    amount = row["reseller_amount"] if reseller and row["reseller_amount"] is not None else row["price_amount"]
    return Offer(
        variant_id=VariantId(row["id"]),
        product_id=ProductId(row["product_id"]),
        slug=row["slug"],
        name=row["name"],
        variant_name=row["variant_name"],
        hue=row["hue"],
        icon=row["icon"],
        country=row["country"],
        picture=row["picture"],
        unit_price=Money(amount, row["currency"]),
        public_price=Money(row["price_amount"], row["currency"]),
        min_quantity=row["min_quantity"],
        max_quantity=row["max_quantity"],
        per_person_limit=row["per_person_limit"],
        premium_only=row["premium_only"],
        kind=row["kind"],
        warranty_days=row["warranty_days"],
        quantity_prices=read_steps(row["quantity_prices"], row["currency"]),
        subscription_days=row["subscription_days"],
        promised_hours=row["promised_hours"],
    )
