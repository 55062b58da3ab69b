"""The cart as JSON."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, field

from backend.catalog.types import VariantId
from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.orders.types import MOST_LINES
from backend.orders.types import cart as types
from backend.orders.types.cart import CartState
from backend.orders.types.prices import PricePart
from webapp.core.forms import strict_json
from webapp.core.limits import PURCHASE, WRITE, limited
from webapp.core.refusals import refusals
from webapp.core.site import SoukRequest, site_of
from webapp.orders.api import IdempotencyKey, NewLine, Placed, PromoCodes, Total

_Quantity = Annotated[int, Meta(ge=1, le=1000)]


class CartLine(msgspec.Struct, frozen=True):
    """A line of the cart. ``quantity`` can be bought now, ``wanted`` was chosen; ``seen`` is what one cost then.

    ``total`` is null where the line cannot be bought, which ``state`` explains.
    """

    variant_id: UUID
    title: str
    variant: str
    state: CartState
    requested: int = field(name="wanted")
    quantity: int
    unit_price: Money
    seen: Money
    total: Money | None
    parts: list[PricePart]


class Cart(msgspec.Struct, frozen=True):
    """The caller's cart; ``total`` is of the lines that can be bought. ``version`` changes with each change of it."""

    version: int
    lines: list[CartLine]
    total: Money


class NewCartLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is put into the cart, beside what it has of it."""

    variant_id: UUID
    quantity: _Quantity = 1


class CartOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The checkout of a cart: its ``lines`` that can be bought, as they were in its ``version``, for ``total`` or less.

    Of several ``promo_codes`` the best one is used; if one of them can't be used, nothing is bought.
    """

    version: Annotated[int, Meta(ge=1, le=2**62)]
    lines: Annotated[list[NewLine], Meta(min_length=1, max_length=MOST_LINES)]
    total: Total
    promo_codes: PromoCodes = []


class CartQuantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many the cart shall have."""

    quantity: _Quantity


@get("/cart", tags=["cart"], responses=refusals())
async def api_cart(request: SoukRequest, actor: NamedDependency[Actor]) -> Cart:
    """The cart as things are now: prices, stock and limits are today's."""
    return _cart(await site_of(request).services.orders.cart.show(actor), actor)


@post(
    "/cart",
    tags=["cart"],
    guards=[limited(WRITE)],
    before_request=strict_json(NewCartLine),
    status_code=200,
    responses=refusals(403, 404, 409, 413),
)
async def api_add(request: SoukRequest, actor: NamedDependency[Actor], data: JSONBody[NewCartLine]) -> Cart:
    """Put so many more of a variant into the cart, which has up to 50 lines."""
    changed = await site_of(request).services.orders.cart.add(actor, VariantId(data.variant_id), data.quantity)
    return _cart(changed, actor)


@put(
    "/cart/{variant_id:uuid}",
    tags=["cart"],
    guards=[limited(WRITE)],
    before_request=strict_json(CartQuantity),
    responses=refusals(403, 404, 409, 413),
)
async def api_set_quantity(
    request: SoukRequest, actor: NamedDependency[Actor], variant_id: FromPath[UUID], data: JSONBody[CartQuantity]
) -> Cart:
    """Have so many of a variant that is in the cart."""
    changed = await site_of(request).services.orders.cart.set_quantity(actor, VariantId(variant_id), data.quantity)
    return _cart(changed, actor)


@delete("/cart/{variant_id:uuid}", tags=["cart"], guards=[limited(WRITE)], status_code=200, responses=refusals())
async def api_remove(request: SoukRequest, actor: NamedDependency[Actor], variant_id: FromPath[UUID]) -> Cart:
    """Remove a variant from the cart; nothing happens where it is not in it."""
    return _cart(await site_of(request).services.orders.cart.remove(actor, VariantId(variant_id)), actor)


@post(
    "/cart/orders",
    tags=["cart"],
    guards=[limited(PURCHASE)],
    before_request=strict_json(CartOrder),
    status_code=201,
    responses=refusals(402, 403, 404, 409, 413),
)
async def api_check_out(
    request: SoukRequest, actor: NamedDependency[Actor], data: JSONBody[CartOrder], idempotency_key: IdempotencyKey
) -> Placed:
    """Buy the cart from the balance, all or nothing; what was bought leaves it.

    Where the cart has changed since, or costs more, nothing is bought (409). The header ``Idempotency-Key`` makes a
    second call the same order.
    """
    site = site_of(request)
    codes = await site.services.growth.promos.admit(actor, data.promo_codes)
    order = await site.services.orders.checkout.place_all(
        actor,
        [line.requested() for line in data.lines],
        idempotency_key,
        confirmed=Money(data.total, site.settings.shop_currency),
        codes=codes,
        cart=data.version,
    )
    return Placed(order.number)


def _cart(cart: types.Cart, actor: Actor) -> Cart:
    return Cart(cart.version, [_line(line, actor) for line in (*cart.lines, *cart.unavailable)], cart.total)


def _line(line: types.CartLine, actor: Actor) -> CartLine:
    offer = line.offer
    return CartLine(
        variant_id=offer.variant_id,
        title=product_name(pick(offer.name, actor.language), offer.country, actor.language),
        variant=pick(offer.variant_name, actor.language),
        state=line.state,
        requested=line.requested,
        quantity=line.quantity if line.price else 0,
        unit_price=line.unit_price,
        seen=line.seen,
        total=line.price.total if line.price else None,
        parts=list(line.price.parts) if line.price else [],
    )


HANDLERS = (api_cart, api_add, api_set_quantity, api_remove, api_check_out)
