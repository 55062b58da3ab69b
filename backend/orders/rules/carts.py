"""Pure decisions about carts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backend.catalog.types.offers import StockedOffer
from backend.kernel.errors import AppError
from backend.kernel.money import Money
from backend.orders.rules import pricing
from backend.orders.types.cart import Cart, CartLine, CartState, StoredLine
from backend.orders.types.prices import Priced


def line_now(
    stored: StoredLine,
    stocked: StockedOffer,
    bought: int,
    quoted: Money | AppError | None,
    *,
    sold: bool,
    premium: bool,
) -> CartLine:
    """A kept line as things are now, without its price.

    The buyer has ``bought`` so many of the variant before; ``quoted`` is its fulfiller's answer; ``sold``: the shop
    sells such goods in its currency; ``premium``: the buyer may buy what is for premium members.
    """
    offer = stocked.offer
    minimum, maximum, reached = offer.min_quantity, offer.largest_order, False
    if offer.per_person_limit is not None:
        allowed = max(offer.per_person_limit - bought, 0)
        reached, maximum = allowed < minimum, min(maximum, allowed)
    in_stock = stocked.available is None or stocked.available >= minimum
    if stocked.available is not None:
        maximum = min(maximum, stocked.available)
    quantity = min(max(stored.quantity, minimum), maximum)
    state = CartState.READY
    if not (stocked.for_sale and sold):
        state = CartState.NOT_SOLD
    elif offer.premium_only and not premium:
        state = CartState.PREMIUM_ONLY
    elif isinstance(quoted, AppError):
        state = CartState.REFUSED
    elif reached:
        state = CartState.LIMIT_REACHED
    elif not in_stock:
        state = CartState.SOLD_OUT
    elif quantity < stored.quantity:
        state = CartState.FEWER
    elif quantity > stored.quantity:
        state = CartState.MORE
    refusal, paid = (quoted, None) if isinstance(quoted, AppError) else (None, quoted)
    return CartLine(
        offer, state, stored.quantity, quantity, minimum, maximum, stored.seen, None, paid, refusal, stocked.available
    )


_BUYABLE = frozenset({CartState.READY, CartState.FEWER, CartState.MORE})


def cart_of(version: int, lines: Sequence[CartLine], currency: str) -> Cart:
    """The cart of these lines: those that can be bought with their prices, and the unavailable ones."""
    good = [line for line in lines if line.state in _BUYABLE]
    unavailable = tuple(line for line in lines if line.state not in _BUYABLE)
    if not good:
        return Cart(version, (), unavailable, Money.zero(currency))
    priced = pricing.price([pricing.unpriced(line.offer, line.quantity, line.paid) for line in good])
    return with_prices(Cart(version, tuple(good), unavailable, priced.total), priced)


def with_prices(cart: Cart, priced: Priced) -> Cart:
    """The cart with these prices of the lines that can be bought."""
    lines = (msgspec.structs.replace(line, price=price) for line, price in zip(cart.lines, priced.lines, strict=True))
    return msgspec.structs.replace(cart, lines=tuple(lines), total=priced.total)
