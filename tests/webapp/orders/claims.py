"""Orders whose keys don't work, and their buyers' claims."""

from __future__ import annotations

from backend.bootstrap import Services
from tests.factories.shop import Goods
from tests.webapp.client import Visitor
from tests.webapp.sale import arrive, buy, field, goods, number_of, plain


async def bought(services: Services, buyer: Visitor, quantity: int = 1, **how: int) -> tuple[str, Goods]:
    """An order of so many keys at 5.00."""
    thing = await goods(services, price=500, **how)
    await arrive(services, buyer, cents=500 * quantity)
    return number_of(await buy(buyer, thing, quantity)), thing


async def claim(buyer: Visitor, number: str) -> str:
    """Open the sheet and send it; the page after that as plain text."""
    sheet = await buyer.get(f"/orders/{number}/claim")
    data = {"item": field(sheet, "item"), "key": field(sheet, "key")}
    answer = await buyer.post(f"/orders/{number}/claim", data=data)
    assert answer.status_code == 200, answer.text
    return plain(answer.text)
