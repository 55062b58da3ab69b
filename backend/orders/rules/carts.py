"""Pure decisions about carts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backend.catalog.types.offers import StockedOffer
from backend.kernel.money import Money
from backend.orders.rules import pricing
from backend.orders.rules.pricing import UnpricedLine
from backend.orders.types.cart import Cart, CartLine, CartState, KeptLine
from backend.orders.types.prices import Priced


def line_now(kept: KeptLine, found: StockedOffer, bought: int, *, sold: bool, premium: bool) -> CartLine:
    """A kept line as things are now, without its price.

    The buyer has ``bought`` so many of the variant before; ``sold``: the shop sells such goods in its currency;
    ``premium``: the buyer may buy what is for premium members.
    """
    offer = found.offer
    minimum, maximum, reached = offer.min_quantity, offer.largest_order, False
    if offer.per_person_limit is not None:
        allowed = max(offer.per_person_limit - bought, 0)
        reached, maximum = allowed < minimum, min(maximum, allowed)
    in_stock = found.available is None or found.available >= minimum
    if found.available is not None:
        maximum = min(maximum, found.available)
    quantity = min(max(kept.quantity, minimum), maximum)
    state = CartState.READY
    if not (found.for_sale and sold):
        state = CartState.NOT_SOLD
    elif offer.premium_only and not premium:
        state = CartState.PREMIUM_ONLY
    elif reached:
        state = CartState.LIMIT_REACHED
    elif not in_stock:
        state = CartState.SOLD_OUT
    elif quantity < kept.quantity:
        state = CartState.FEWER
    elif quantity > kept.quantity:
        state = CartState.MORE
    return CartLine(offer, state, kept.quantity, quantity, minimum, maximum, kept.seen, None)


_BUYABLE = frozenset({CartState.READY, CartState.FEWER, CartState.MORE})


def cart_of(version: int, lines: Sequence[CartLine], currency: str) -> Cart:
    """The cart of these lines: those that can be bought with their prices, and the unavailable ones."""
    good = [line for line in lines if line.state in _BUYABLE]
    unavailable = tuple(line for line in lines if line.state not in _BUYABLE)
    if not good:
        return Cart(version, (), unavailable, Money.zero(currency))
    priced = pricing.price(
        [
            UnpricedLine(line.offer.variant_id, line.quantity, line.offer.public_price, line.offer.unit_price)
            for line in good
        ]
    )
    return with_prices(Cart(version, tuple(good), unavailable, priced.total), priced)


def with_prices(cart: Cart, priced: Priced) -> Cart:
    """The cart with these prices of the lines that can be bought."""
    lines = (msgspec.structs.replace(line, price=price) for line, price in zip(cart.lines, priced.lines, strict=True))
    return msgspec.structs.replace(cart, lines=tuple(lines), total=priced.total)
