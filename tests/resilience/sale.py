"""What a buyer does before the purchase."""

from __future__ import annotations

from tests.resilience.processes import until
from tests.webapp.client import Visitor
from tests.webapp.sale import field


async def top_up(visitor: Visitor, dollars: int) -> None:
    """Pay by the demo provider, looking at the payment's page as the app does, until the money is there."""
    form = {"intent": field(await visitor.get("/wallet/topup"), "intent"), "amount": str(dollars), "way": "demo"}
    started = await visitor.post("/wallet/topup", data=form)
    assert started.status_code == 200, started.text
    payment = started.headers["hx-push-url"]

    async def arrived() -> bool:
        assert (await visitor.get(payment)).status_code == 200
        wallet = await visitor.get("/api/v1/wallet", html=False)
        return bool(wallet.json()["balance"]["amount"] == dollars * 100)

    await until(arrived)
