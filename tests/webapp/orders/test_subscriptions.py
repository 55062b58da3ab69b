"""Subscriptions on the pages: begun at the price that was shown, cancelled, resumed, seen and ended by an admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.kernel.money import STARS, Money
from backend.orders.types.subscriptions import SubscriptionStatus
from backend.payments.telegram import paid
from backend.payments.types import IntentId, SubscriptionCharged, SubscriptionId
from tests.conftest import ROOT_ADMIN_ID
from tests.factories.shop import Goods, add_goods
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive

S = SubscriptionStatus


class _Renewing:
    """The demo provider, which renews."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        can = msgspec.structs.replace(provider.capabilities, asset=STARS, recurring=True, renewal_maximum=10_000)
        self.capabilities = can

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


@pytest.fixture
def renewing(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    for holder in (services.payments.intents, services.payments.methods):
        providers: Any = holder._providers
        monkeypatch.setitem(providers, "demo", _Renewing(providers["demo"]))


@pytest.fixture
async def thing(services: Services) -> Goods:
    async with services.uow() as tx:
        return await add_goods(tx, services.ring, price=500, subscription_days=30)


async def _charged(services: Services, actor: Actor, subscription_id: SubscriptionId, clock: FakeClock) -> str:
    """Let the first charge arrive; the number of its order."""
    (intent,) = await services.payments.intents.list_mine(actor)
    until = clock.now() + timedelta(days=30)
    report = paid("c1", str(intent.id), Money(5, STARS), until=int(until.timestamp()))
    await services.payments.intents.settle("demo", report)
    event = SubscriptionCharged(
        subscription_id=subscription_id, intent_id=IntentId(intent.id), first_id=IntentId(intent.id),
        user_id=actor.id, amount=500, currency="USD", until=until,
    )  # fmt: skip
    await services.orders.renewing.settle_charge(event)
    (charge,) = (await services.orders.subscriptions.detail(actor, subscription_id)).charges
    assert charge.number is not None
    return charge.number


async def test_begun_cancelled_resumed_and_ended(
    services: Services, visitor: MakeVisitor, clock: FakeClock, renewing: None, thing: Goods
) -> None:
    buyer, admin = visitor(81), visitor(ROOT_ADMIN_ID)
    actor = await arrive(services, buyer)
    shown = await buyer.get(f"/shop/{thing.slug}")
    assert "every 30 days" in shown.text
    asked = await buyer.get(f"/shop/{thing.slug}/subscribe?variant={thing.variant_id}")
    assert (asked.status_code, 'name="total" value="5"' in asked.text) == (200, True)
    changed = await buyer.post("/me/subscriptions", data={"variant": str(thing.variant_id), "total": "4"})
    assert (changed.status_code, changed.headers["x-error-code"]) == (409, "price_changed")
    begun = await buyer.post("/me/subscriptions", data={"variant": str(thing.variant_id), "total": "5"})
    assert begun.status_code == 200
    path = begun.headers["hx-push-url"]
    name = SubscriptionId(msgspec.convert(path.rpartition("/")[2], SubscriptionId.__supertype__))
    assert "It begins when Telegram confirms" in begun.text
    number = await _charged(services, actor, name, clock)
    page = await buyer.get(path)
    assert ("Next renewal" in page.text, f'href="/orders/{number}"' in page.text) == (True, True)
    assert path in (await buyer.get("/me/subscriptions")).text
    order = (await buyer.get(f"/orders/{number}")).text
    assert ("First order of subscription" in order, "from balance" in order) == (True, False)
    assert (await visitor(82).get(path)).status_code == 404
    again = await buyer.get(f"/shop/{thing.slug}/subscribe?variant={thing.variant_id}")
    assert again.headers["x-error-code"] == "already_subscribed"
    cancelled = await buyer.post(f"{path}/cancel")
    assert ("resume-subscription" in cancelled.text, "cancel-subscription" in cancelled.text) == (True, False)
    assert "tap Renew" in (await buyer.post(f"{path}/resume")).text
    room = f"/admin/subscriptions/{name}"
    assert room in (await admin.get(f"/admin/people/{actor.id}")).text
    assert room in (await admin.get(f"/admin/orders/{number}")).text
    assert (await admin.post(f"{room}/end", data={"reason": ""})).status_code == 422
    ended = await admin.post(f"{room}/end", data={"reason": "asked for it"})
    assert (ended.status_code, f'href="/admin/orders/{number}"' in ended.text) == (200, True)
    view = await services.orders.subscriptions.detail(actor, name)
    assert view.subscription.status is S.ENDED
    assert (await buyer.post(f"{room}/end", data={"reason": "x"})).status_code == 403
