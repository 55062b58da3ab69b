"""Functions of carts that run inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from backend.catalog import domain as catalog
from backend.catalog.types import Offer, VariantId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.orders.domain import quotes
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import CartChanged
from backend.orders.repository import cart as repository
from backend.orders.repository import lines as line_rows
from backend.orders.repository import orders
from backend.orders.rules import carts as rules
from backend.orders.types.cart import Cart, CartFilled

TOPIC: Final = "cart"
"""The signal that a person's cart has changed; its key is their id."""


async def load(
    tx: Tx, fulfillers: Fulfillers, user_id: UserId, currency: str, *, reseller: bool, premium: bool
) -> Cart:
    """The person's cart as things are now; ``currency`` is the shop's."""
    version = await repository.get_version(tx, user_id)
    stored = await repository.list_lines(tx, user_id) if version else []
    offers = await catalog.list_offers(tx, [line.variant_id for line in stored], reseller=reseller, buyer=user_id)
    limited = [one for one, stocked in offers.items() if stocked.offer.per_person_limit is not None]
    bought = await line_rows.count_bought_each(tx, user_id, limited)
    goods = quotes.goods_of(tx, user_id, ((offers[line.variant_id].offer, line.quantity) for line in stored))
    quoted = await quotes.ask(tx, fulfillers, [line for line in goods if fulfillers.sells(line.kind)])
    lines = []
    for line, item in zip(stored, goods, strict=True):
        stocked, answer = offers[line.variant_id], quoted.get(item.id)
        sold = stocked.offer.unit_price.currency == currency and fulfillers.sells(stocked.offer.kind)
        before = bought.get(line.variant_id, 0)
        lines.append(rules.line_now(line, stocked, before, answer, sold=sold, premium=premium))
    return rules.cart_of(version, lines, currency)


async def find_reminder(tx: Tx, user_id: UserId, filled: int) -> datetime | None:
    """When the person is to be reminded of the cart that they began in its version ``filled``.

    None where that was bought or emptied since.
    """
    return await repository.find_reminder(tx, user_id, filled)


async def list_left(tx: Tx, user_id: UserId) -> list[tuple[Offer, int]]:
    """What a reminder of the person's cart names, and how many: what is still sold."""
    stored = await repository.list_lines(tx, user_id)
    offers = await catalog.list_offers(tx, [line.variant_id for line in stored], reseller=False, buyer=user_id)
    pairs = [(offers[line.variant_id], line.quantity) for line in stored]
    return [(one.offer, quantity) for one, quantity in pairs if one.for_sale and one.available != 0]


async def begin_change(tx: Tx, user_id: UserId) -> int:
    """Lock the person's cart until the transaction ends; how many lines it has."""
    await repository.lock_cart(tx, user_id)
    return await repository.count_lines(tx, user_id)


async def note_change(tx: Tx, user_id: UserId, before: int, remind_after: timedelta) -> None:
    """The cart, which had ``before`` lines, was changed: its reminder waits again, and open pages reload.

    Nobody is reminded where ``remind_after`` is zero.
    """
    at = tx.now + remind_after if remind_after else None
    filled = await repository.plan_reminder(tx, user_id, at, was_empty=before == 0)
    if filled is not None and at is not None:
        tx.emit(CartFilled(user_id=user_id, version=filled, remind_at=at))
    tx.signal(TOPIC, user_id)


async def check_out(tx: Tx, user_id: UserId, version: int, variants: Iterable[VariantId]) -> None:
    """Take what is being bought out of the cart that the buyer has seen in this ``version``.

    Raises CartChanged: two devices that check out one cart buy it once.
    """
    await orders.lock_buyer(tx, user_id)  # first, as reserving does
    if not await repository.check_out(tx, user_id, version, list(variants)):
        raise CartChanged()
    tx.signal(TOPIC, user_id)
