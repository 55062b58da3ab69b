"""Promo codes of an order: what they take off, and how their use follows the order."""

from __future__ import annotations

from collections.abc import Sequence

from backend.catalog.types import Offer
from backend.growth.domain import promos as growth
from backend.growth.errors import PromoCodeRefused
from backend.growth.types.promos import (
    AppliedPromo,
    PromoBuyer,
    PromoCodeId,
    PromoLine,
    PromoOffer,
    PromoRefusal,
    RefusedPromo,
)
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.repository import orders as repository
from backend.orders.types import NewOrder, OrderRecord
from backend.orders.types.prices import PartKind, Priced


async def list_offers(
    tx: Tx, buyer: UserId, offers: Sequence[Offer], own: Priced, codes: Sequence[PromoCodeId], *, lock: bool
) -> list[PromoOffer]:
    """What each code may take off lines that cost ``own`` without one. Raises PromoCodeRefused.

    ``lock``: the order is about to be placed, so that the buyer's orders are counted one at a time where a code asks.
    """
    lines = [
        PromoLine(offer.variant_id, offer.product_id, offer.slug, offer.kind, line.total)
        for offer, line in zip(offers, own.lines, strict=True)
    ]
    offers_of_codes = []
    for code_id in codes:
        code = await growth.get_code(tx, code_id)
        if lock and code.promo.personal:
            await repository.lock_buyer(tx, buyer)
        first = not code.promo.first_only or await repository.is_first_purchase(tx, buyer)
        offers_of_codes.append(await growth.offer(tx, code, lines, PromoBuyer(buyer, first)))
    return offers_of_codes


async def list_usable(
    tx: Tx, buyer: UserId, offers: Sequence[Offer], own: Priced, codes: Sequence[PromoCodeId]
) -> tuple[list[PromoOffer], RefusedPromo | None]:
    """What those of the codes that work may take off, and why the first of the others does not."""
    usable: list[PromoOffer] = []
    refused: RefusedPromo | None = None
    for code_id in codes:
        try:
            usable += await list_offers(tx, buyer, offers, own, [code_id], lock=False)
        except PromoCodeRefused as refusal:
            refused = refused or refusal_of(refusal)
    return usable, refused


def refusal_of(error: PromoCodeRefused) -> RefusedPromo:
    """The refusal that an error tells."""
    minimum = error.params.get("minimum")
    return RefusedPromo(PromoRefusal(str(error.params["reason"])), minimum if isinstance(minimum, Money) else None)


def applied(priced: Priced, offers: Sequence[PromoOffer]) -> AppliedPromo | None:
    """The code whose discount the price uses, and what it saves; None for no discount."""
    used = next((item.code for item in offers if item.discount == priced.discount), None)
    if used is None:
        return None
    saved = -sum(line.part(PartKind.PROMO) for line in priced.lines)
    return AppliedPromo(used.id, used.code, Money(saved, priced.total.currency))


async def use(tx: Tx, order: NewOrder, offers: Sequence[PromoOffer], number: str) -> None:
    """Count the use of the code that a new order has, before its goods and its money. Raises PromoCodeRefused."""
    if order.promo is not None:
        code = next(item.code for item in offers if item.code.id == order.promo.code_id)
        await growth.use(tx, code, order.id, order.user_id, order.promo.saved, reference=number)


async def use_again(tx: Tx, order: OrderRecord) -> None:
    """Count again the use that a locked order has released, because it is paid after all. Raises PromoCodeRefused."""
    code = await growth.find_released(tx, order.id)
    if code is None:
        return
    # Before the code, as a purchase does: a limit on the goods may ask for the buyer afterwards.
    await repository.lock_buyer(tx, order.user_id)
    first = not code.promo.first_only or await repository.is_first_purchase(tx, order.user_id, order.id)
    await growth.use_again(tx, code, order.id, PromoBuyer(order.user_id, first))
