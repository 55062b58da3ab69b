"""Functions of carts that run inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from backend.catalog import domain as catalog
from backend.catalog.types import Offer, VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import CartChanged
from backend.orders.repository import cart as repository
from backend.orders.repository import lines as line_rows
from backend.orders.repository import orders
from backend.orders.rules import carts as rules
from backend.orders.types.cart import Cart

TOPIC: Final = "cart"
"""The signal that a person's cart has changed; its key is their id."""
REMIND_AFTER: Final = timedelta(hours=4)
"""How long after its last change a cart counts as left."""


async def load(
    tx: Tx, fulfillers: Fulfillers, user_id: UserId, currency: str, *, reseller: bool, premium: bool
) -> Cart:
    """The person's cart as things are now; ``currency`` is the shop's."""
    version = await repository.get_version(tx, user_id)
    kept = await repository.list_lines(tx, user_id) if version else []
    offers = await catalog.list_offers(tx, [line.variant_id for line in kept], reseller=reseller)
    limited = [one for one, found in offers.items() if found.offer.per_person_limit is not None]
    bought = await line_rows.count_bought_each(tx, user_id, limited)
    lines = []
    for line in kept:
        found = offers[line.variant_id]
        sold = found.offer.unit_price.currency == currency and fulfillers.sells(found.offer.kind)
        before = bought.get(line.variant_id, 0)
        lines.append(rules.line_now(line, found, before, sold=sold, premium=premium))
    return rules.cart_of(version, lines, currency)


async def list_left(tx: Tx, user_id: UserId) -> list[tuple[Offer, int]]:
    """What a reminder of the person's cart names, and how many: what is still sold.

    Nothing where the cart was bought or emptied, nor where it was filled since and another reminder waits.
    """
    if await repository.is_reminder_planned(tx, user_id):
        return []
    kept = await repository.list_lines(tx, user_id)
    offers = await catalog.list_offers(tx, [line.variant_id for line in kept], reseller=False)
    found = [(offers[line.variant_id], line.quantity) for line in kept]
    return [(one.offer, quantity) for one, quantity in found if one.for_sale and one.available != 0]


async def begin_change(tx: Tx, user_id: UserId) -> int:
    """Lock the person's cart until the transaction ends; how many lines it has."""
    await repository.lock_cart(tx, user_id)
    return await repository.count_lines(tx, user_id)


async def note_change(tx: Tx, user_id: UserId, before: int) -> None:
    """The cart, which had ``before`` lines, was changed: its reminder waits again, and open pages reload."""
    await repository.plan_reminder(tx, user_id, tx.now + REMIND_AFTER, was_empty=before == 0)
    tx.signal(TOPIC, user_id)


async def check_out(tx: Tx, user_id: UserId, version: int, variants: Iterable[VariantId]) -> None:
    """Take what is being bought out of the cart that the buyer has seen in this ``version``.

    Raises CartChanged: two devices that check out one cart buy it once.
    """
    await orders.lock_buyer(tx, user_id)  # first, as reserving does
    before = await begin_change(tx, user_id)
    if await repository.get_version(tx, user_id) != version + 1:
        raise CartChanged()
    await repository.delete_lines(tx, user_id, list(variants))
    await note_change(tx, user_id, before)
