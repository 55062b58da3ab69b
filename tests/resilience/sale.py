"""What a buyer and a provider do around a purchase."""

from __future__ import annotations

import httpx
import msgspec

from backend.kernel.clock import SystemClock
from backend.payments.gateways.demo import SIGNATURE, DemoNotice, DemoProvider
from backend.payments.types import Intent, ProviderState
from tests.resilience.ground import Ground
from tests.resilience.processes import until
from tests.webapp.client import Visitor
from tests.webapp.sale import field


async def top_up(visitor: Visitor, dollars: int) -> None:
    """Pay by the demo provider, looking at the payment's page as the app does, until the money is there."""
    form = {"intent": field(await visitor.get("/wallet/topup"), "intent"), "amount": str(dollars), "method": "demo"}
    started = await visitor.post("/wallet/topup", data=form)
    assert started.status_code == 200, started.text
    payment = started.headers["hx-push-url"]

    async def arrived() -> bool:
        assert (await visitor.get(payment)).status_code == 200
        wallet = await visitor.get("/api/v1/wallet", html=False)
        return bool(wallet.json()["balance"]["amount"] == dollars * 100)

    await until(arrived)


async def notify(ground: Ground, intent: Intent, *, until_taken: bool = True) -> int:
    """The demo provider's webhook for a payment that was paid: what was answered in the end, 0 for no answer at all."""
    provider = DemoProvider(clock=SystemClock(), production=False, secret=ground.settings.secret_key)
    received = intent.payable
    notice = DemoNotice(f"{intent.id}:paid", intent.id, ProviderState.PAID, received.amount, received.currency)
    body = msgspec.json.encode(notice)
    async with httpx.AsyncClient(base_url=ground.web.url, timeout=20) as client:
        while True:
            try:
                headers = {SIGNATURE: provider.sign(body)}
                status = (await client.post("/hooks/demo", content=body, headers=headers)).status_code
            except httpx.TransportError:
                status = 0
            if status == 200 or not until_taken:
                return status
            await ground.web.ready()
