"""Taps in a cart and in the sheets of its checkout."""

from __future__ import annotations

import httpx

from tests.factories.shop import Goods
from tests.webapp.client import Visitor
from tests.webapp.sale import field


async def add(visitor: Visitor, thing: Goods, quantity: int | str = 1) -> httpx.Response:
    """Put a product into the cart."""
    return await visitor.post("/cart", data={"variant": str(thing.variant_id), "quantity": str(quantity)})


async def sheet_of(visitor: Visitor, query: str = "") -> httpx.Response:
    """The sheet before the cart is bought."""
    response = await visitor.get(f"/cart/checkout{query}")
    assert response.status_code == 200, response.text
    return response


async def pay(visitor: Visitor, sheet: httpx.Response, method: str = "", **changes: str) -> httpx.Response:
    """Tap the button of a sheet, or one of its payment methods."""
    data = {name: field(sheet, name) for name in ("intent", "lines", "cart", "total")}
    data |= {name: field(sheet, name) for name in ("promo",) if f'type="hidden" name="{name}"' in sheet.text}
    data |= ({"method": method} if method else {}) | changes
    return await visitor.post("/cart/reserve" if method else "/cart/orders", data=data)
