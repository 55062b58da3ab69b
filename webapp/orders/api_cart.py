"""The cart as JSON."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.catalog.types import VariantId
from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.orders.types import cart as types
from backend.orders.types.cart import CartState
from backend.orders.types.prices import PricePart
from webapp.core.forms import strict_json
from webapp.core.limits import WRITE, limited
from webapp.core.refusals import refusals
from webapp.core.site import SoukRequest, site_of

_Quantity = Annotated[int, Meta(ge=1, le=1000)]


class CartLine(msgspec.Struct, frozen=True):
    """A line of the cart. ``quantity`` can be bought now, ``wanted`` was chosen; ``seen`` is what one cost then.

    ``total`` is null where the line cannot be bought, which ``state`` explains.
    """

    variant_id: UUID
    title: str
    variant: str
    state: CartState
    wanted: int
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
    found = await site_of(request).services.orders.cart.add(actor, VariantId(data.variant_id), data.quantity)
    return _cart(found, actor)


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
    found = await site_of(request).services.orders.cart.set_quantity(actor, VariantId(variant_id), data.quantity)
    return _cart(found, actor)


@delete("/cart/{variant_id:uuid}", tags=["cart"], guards=[limited(WRITE)], status_code=200, responses=refusals())
async def api_remove(request: SoukRequest, actor: NamedDependency[Actor], variant_id: FromPath[UUID]) -> Cart:
    """Remove a variant from the cart; nothing happens where it is not in it."""
    return _cart(await site_of(request).services.orders.cart.remove(actor, VariantId(variant_id)), actor)


def _cart(found: types.Cart, actor: Actor) -> Cart:
    return Cart(found.version, [_line(line, actor) for line in (*found.lines, *found.unavailable)], found.total)


def _line(line: types.CartLine, actor: Actor) -> CartLine:
    offer = line.offer
    return CartLine(
        variant_id=offer.variant_id,
        title=product_name(pick(offer.name, actor.language), offer.country, actor.language),
        variant=pick(offer.variant_name, actor.language),
        state=line.state,
        wanted=line.wanted,
        quantity=line.quantity if line.price else 0,
        unit_price=offer.unit_price,
        seen=line.seen,
        total=line.price.total if line.price else None,
        parts=list(line.price.parts) if line.price else [],
    )


HANDLERS = (api_cart, api_add, api_set_quantity, api_remove)
