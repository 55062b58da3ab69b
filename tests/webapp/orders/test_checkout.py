"""From the product to the paid order."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
import pytest

from backend.bootstrap import Services
from backend.infra.settings import Settings
from backend.kernel.money import Money
from backend.orders.service.checkout import CheckoutService
from backend.orders.types import AmountDue, OrderFilter, RefundTarget
from backend.payments.types import IntentStatus
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, confirm, field, fund, goods, links, number_of, plain, settle


async def test_a_purchase_ends_on_the_order_page(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer, cents=2000)
    sheet = await confirm(buyer, thing, 2)
    assert sheet.headers["hx-retarget"] == "#sheet"
    assert "Confirm purchase" in sheet.text
    assert "$20.00 now, $5.60 after purchase" in sheet.text
    assert len(gzip.compress(sheet.content)) < 6 * 1024
    response = await buy(buyer, thing, 2, field(sheet, "intent"))
    assert response.status_code == 200
    number = number_of(response)
    assert response.headers["hx-push-url"] == f"/orders/{number}"
    assert 'data-haptic="success"' in response.text
    assert "Your keys are here" in response.text
    assert not any(key in response.text for key in thing.keys)
    assert (await services.wallet.statement.overview(actor)).balance.amount == 560


async def test_a_double_tap_buys_once(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=100), visitor()
    actor = await arrive(services, buyer, cents=1000)
    intent = field(await confirm(buyer, thing), "intent")
    first, second = await buy(buyer, thing, 1, intent), await buy(buyer, thing, 1, intent)
    assert number_of(first) == number_of(second)
    assert (await services.wallet.statement.overview(actor)).balance.amount == 900
    other = await buy(buyer, thing, 2, intent)
    assert other.status_code == 409
    assert other.headers["x-error-code"] == "idempotency_key_reused"


async def test_too_little_money_says_how_much_is_missing(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer, cents=220)
    sheet = await confirm(buyer, thing)
    assert sheet.status_code == 200
    assert "You need $5.00 more" in sheet.text
    assert "Demo payment" in sheet.text
    posted = await buy(buyer, thing, 1, "an-intent-of-mine")
    assert posted.status_code == 402
    assert posted.headers["hx-retarget"] == "#sheet"
    assert "You need $5.00 more" in posted.text
    assert (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items == []


async def test_balance_and_method_pay_together(services: Services, visitor: MakeVisitor, clock: FakeClock) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer, cents=220)
    sheet = await confirm(buyer, thing)
    assert "Pay $5.00 with" in sheet.text
    data = {"variant": str(thing.variant_id), "quantity": "1", "intent": field(sheet, "intent"), "method": "demo"}
    payment = await buyer.post("/orders/reserve", data=data)
    assert payment.status_code == 200
    path = payment.headers["hx-push-url"]
    assert path.startswith("/wallet/payments/")
    # The same tap again is the same order and the same payment.
    assert (await buyer.post("/orders/reserve", data=data)).headers["hx-push-url"] == path
    (row,) = (await services.orders.history.list_mine(actor, OrderFilter.AWAITING_PAYMENT, None)).items
    assert (await services.wallet.statement.overview(actor)).balance.amount == 0

    waiting = await buyer.get(f"/orders/{row.number}")
    for words in (
        "Awaiting payment",
        "On hold from balance",
        "$2.20",
        "$5.00",
        "Continue payment",
        path,
    ):
        assert words in waiting.text
    assert links(waiting, "/live")

    clock.move(seconds=6)
    arrived = await buyer.get(path, headers={"HX-Target": "payment"})
    # The order in the payment's place, at once: its goods follow.
    assert (arrived.headers["hx-retarget"], arrived.headers["hx-replace-url"]) == ("#app", f"/orders/{row.number}")
    assert "Payment received" in arrived.text
    assert "Cancel order" not in arrived.text
    await settle(services)
    paid = await buyer.get(f"/orders/{row.number}", headers={"HX-Target": "order"})
    assert "Your key is here" in paid.text
    assert "Paid and delivered" in (await buyer.get(path)).text
    assert (await services.wallet.statement.overview(actor)).balance.amount == 0
    assert (await buyer.post(f"/orders/{row.number}/pay")).status_code == 200


async def test_goods_that_come_between_two_readings_of_the_page_are_shown(
    services: Services, visitor: MakeVisitor, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has read the unpaid order; before it reads what is due, the worker charges the balance and delivers."""
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer, cents=220)
    sheet = await confirm(buyer, thing)
    data = {"variant": str(thing.variant_id), "quantity": "1", "intent": field(sheet, "intent"), "method": "demo"}
    path = (await buyer.post("/orders/reserve", data=data)).headers["hx-push-url"]
    (row,) = (await services.orders.history.list_mine(actor, OrderFilter.AWAITING_PAYMENT, None)).items
    clock.move(seconds=6)
    due = CheckoutService.due

    async def settled_meanwhile(self: CheckoutService, *args: Any, **how: Any) -> AmountDue:
        await settle(services)
        return await due(self, *args, **how)

    monkeypatch.setattr(CheckoutService, "due", settled_meanwhile)
    arrived = await buyer.get(path, headers={"HX-Target": "payment"})
    assert arrived.headers["hx-replace-url"] == f"/orders/{row.number}"
    assert "Your key is here" in arrived.text


async def test_the_payment_of_an_order_that_is_not_delivered_yet_stays_live(
    services: Services, visitor: MakeVisitor, clock: FakeClock
) -> None:
    """Its money was spent elsewhere before the worker came: the page learns what becomes of the order."""
    thing, other, buyer = await goods(services, price=720), await goods(services, price=720), visitor()
    actor = await arrive(services, buyer, cents=0)
    sheet = await confirm(buyer, thing)
    data = {"variant": str(thing.variant_id), "quantity": "1", "intent": field(sheet, "intent"), "method": "demo"}
    path = (await buyer.post("/orders/reserve", data=data)).headers["hx-push-url"]
    clock.move(seconds=6)
    (intent,) = await services.payments.intents.list_mine(actor)
    await services.payments.intents.refresh(actor, intent.id)
    await services.orders.checkout.place(actor, other.variant_id, 1, "spent-elsewhere")
    page = await buyer.get(path, headers={"HX-Target": "payment"})
    assert "hx-replace-url" not in page.headers
    (live,) = links(page, "/live")
    assert f"payment:{intent.id},order:{intent.order_id}" in live


async def test_money_that_comes_late_says_what_becomes_of_it(
    services: Services, visitor: MakeVisitor, coins: FakeProvider, clock: FakeClock
) -> None:
    thing, slow, quick = await goods(services, price=720, keys=1), visitor(61), visitor(62)
    actor = await arrive(services, slow)
    await arrive(services, quick, cents=720)
    data = {"variant": str(thing.variant_id), "intent": "an-intent-of-mine", "method": "usdt_tron"}
    path = (await slow.post("/orders/reserve", data=data)).headers["hx-push-url"]
    clock.move(minutes=31)
    await services.orders.reservations.expire_lapsed()
    assert (await buy(quick, thing)).status_code == 200
    intent = (await services.payments.intents.list_mine(actor))[0]
    await services.payments.intents.settle("usdt_tron", coins.paid(intent.id, intent.payable))
    assert "Expired. If it" in (await slow.get(path)).text
    await settle(services)
    assert (await services.wallet.statement.overview(actor)).balance.amount == 720
    order = (await services.orders.history.list_mine(actor, OrderFilter.ALL, None)).items[0]
    assert "Payment time expired" in (await slow.get(f"/orders/{order.number}")).text


async def test_money_for_a_cancelled_order_is_in_the_balance(
    services: Services, visitor: MakeVisitor, coins: FakeProvider
) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer)
    data = {"variant": str(thing.variant_id), "intent": "an-intent-of-mine", "method": "usdt_tron"}
    path = (await buyer.post("/orders/reserve", data=data)).headers["hx-push-url"]
    (row,) = (await services.orders.history.list_mine(actor, OrderFilter.AWAITING_PAYMENT, None)).items
    await services.orders.reservations.cancel(actor, row.number)
    (intent,) = await services.payments.intents.list_mine(actor)
    await services.payments.intents.settle("usdt_tron", coins.paid(intent.id, intent.payable))
    page = (await buyer.get(path)).text
    assert "Cancelled. The money is in your balance." in page
    assert "Expired. If it" not in page


async def test_more_than_an_order_needs_is_not_all_in_the_balance(
    services: Services, visitor: MakeVisitor, coins: FakeProvider
) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer)
    data = {"variant": str(thing.variant_id), "intent": "an-intent-of-mine", "method": "usdt_tron"}
    path = (await buyer.post("/orders/reserve", data=data)).headers["hx-push-url"]
    (intent,) = await services.payments.intents.list_mine(actor)
    await services.payments.intents.settle("usdt_tron", coins.paid(intent.id, intent.payable + intent.payable))
    await settle(services)
    page = (await buyer.get(path)).text
    assert "What the order doesn't need is in your balance." in page
    assert "All of it is in your balance." not in page
    assert (await services.wallet.statement.overview(actor)).balance.amount == 720


async def test_without_the_balance_all_of_it_is_paid_by_a_method(
    services: Services, visitor: MakeVisitor, clock: FakeClock
) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer, cents=2000)
    confirmed = await confirm(buyer, thing)
    (other,) = links(confirmed, f"/shop/{thing.slug}/confirm?")
    sheet = await buyer.get(other)
    assert "Pay $7.20 with" in sheet.text
    assert "Use my balance ($20.00)" in sheet.text
    data = {"variant": str(thing.variant_id), "intent": field(sheet, "intent"), "use_balance": "off", "method": "demo"}
    path = (await buyer.post("/orders/reserve", data=data)).headers["hx-push-url"]
    assert (await services.wallet.statement.overview(actor)).balance.amount == 2000
    clock.move(seconds=6)
    assert "$7.20 received" in (await buyer.get(path)).text
    await settle(services)
    assert (await services.wallet.statement.overview(actor)).balance.amount == 2000
    assert (await services.orders.history.list_mine(actor, OrderFilter.AWAITING_PAYMENT, None)).items == []


async def test_the_minimum_of_a_method_is_shown_and_stays(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer, cents=420)
    sheet = await confirm(buyer, thing)
    assert "$2.00 stays in your balance" in sheet.text  # five dollars of Stars for three that are missing
    assert "385 Stars" in plain(sheet.text)
    data = {"variant": str(thing.variant_id), "intent": field(sheet, "intent"), "method": "stars"}
    page = await buyer.post("/orders/reserve", data=data)
    (intent,) = await services.payments.intents.list_mine(actor)
    assert (intent.title, intent.payable) == ("Private VPN key\N{NO-BREAK SPACE}· 3 months", Money(385, "XTR"))
    invoice = msgspec.json.decode(page.headers["hx-trigger"])["invoice"]
    assert invoice == {"url": "https://t.me/$invoice", "page": f"/wallet/payments/{intent.id}"}
    (number,) = {page.headers["hx-push-url"].removeprefix("/orders/")}
    assert f'hx-get="/orders/{number}/pay"' in page.text  # under the invoice lies the order

    for status, said in (("failed", "Payment failed. You weren't charged."), ("cancelled", "Payment cancelled.")):
        again = await buyer.get(f"{invoice['page']}/closed", params={"status": status})
        assert (again.headers["hx-retarget"], said in again.headers["hx-trigger"]) == ("#sheet", True)
        assert f'hx-post="/orders/{number}/topup"' in again.text
    other = await buyer.post(f"/orders/{number}/topup", data={"intent": field(again, "intent"), "method": "demo"})
    assert other.headers["hx-push-url"].startswith("/wallet/payments/")
    assert (await services.payments.intents.intent(actor, intent.id)).status is IntentStatus.CANCELLED
    paid = await buyer.get(f"{invoice['page']}/closed", params={"status": "paid"})
    assert (paid.headers["hx-retarget"], paid.headers["hx-replace-url"]) == ("#app", f"/orders/{number}")


async def test_a_method_that_cannot_take_so_much_is_not_tapped(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=30_000), visitor()
    await arrive(services, buyer)
    sheet = await confirm(buyer, thing)
    assert "Up to $200" in sheet.text
    assert 'value="stars" disabled' in sheet.text
    data = {"variant": str(thing.variant_id), "intent": field(sheet, "intent"), "method": "stars"}
    assert (await buyer.post("/orders/reserve", data=data)).status_code == 400


async def test_a_silent_provider_leaves_the_order_with_its_other_methods(
    services: Services, visitor: MakeVisitor, coins: FakeProvider
) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    await arrive(services, buyer)
    coins.down = True
    sheet = await confirm(buyer, thing)
    data = {"variant": str(thing.variant_id), "intent": field(sheet, "intent"), "method": "usdt_tron"}
    order = await buyer.post("/orders/reserve", data=data)
    assert order.status_code == 200
    assert "isn't answering" in order.headers["hx-trigger"]
    number = number_of(order)
    methods = await buyer.get(f"/orders/{number}/pay")
    tapped = {"intent": field(methods, "intent"), "method": "demo"}
    begun = await buyer.post(f"/orders/{number}/topup", data=tapped)
    assert begun.headers["hx-push-url"].startswith("/wallet/payments/")
    assert f'data-back="/orders/{number}"' in begun.text


async def test_a_refunded_order_says_so(services: Services, visitor: MakeVisitor, settings: Settings) -> None:
    thing, buyer, root = await goods(services, price=720), visitor(), visitor(settings.root_admin_id)
    await arrive(services, buyer, cents=720)
    number = number_of(await buy(buyer, thing))
    chief = await arrive(services, root)
    parts = ((220, "Refunded: $2.20", "Delivered"), (500, "Refunded in full: $7.20", "Refunded"))
    for cents, words, badge in parts:
        await services.orders.refunds.refund(
            chief, number, usd(cents), RefundTarget.WALLET, "broken", idempotency_key=f"refund-{cents}"
        )
        page = await buyer.get(f"/orders/{number}")
        assert words in page.text
        assert badge in page.text
    assert "Refunded" in (await buyer.get("/orders")).text


async def test_a_waiting_order_asks_for_what_it_still_needs(services: Services, visitor: MakeVisitor) -> None:
    thing, buyer = await goods(services, price=720), visitor()
    actor = await arrive(services, buyer, cents=700)
    ref = await services.orders.checkout.reserve(actor, thing.variant_id, 1, "reserve-of-mine")
    for method, status in (("GET", 200), ("POST", 402)):
        response = await buyer.ask(method, f"/orders/{ref.number}/pay")
        assert response.status_code == status
        assert response.headers["hx-retarget"] == "#sheet"
        assert "You need $0.20 more" in response.text
        assert f'hx-post="/orders/{ref.number}/topup"' in response.text
    await fund(services, actor.id, 500)
    assert (await buyer.post(f"/orders/{ref.number}/cancel")).status_code == 200
    late = await buyer.post(f"/orders/{ref.number}/pay")
    assert late.status_code == 409
    assert late.headers["x-error-code"] == "order_not_payable"
