"""A payment's page: coins, proofs by hand, what came short, the receipt, the list."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta

import httpx
import msgspec
import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.infra.storage import MAX_UPLOAD_BYTES, UPLOAD_MB
from backend.kernel.money import Money
from backend.payments.types import IntentStatus, ProviderReport, ProviderState
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field, links, plain
from tests.webapp.shop_front import ADDRESS

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


async def begin(visitor: Visitor, method: str, amount: str = "25") -> tuple[str, httpx.Response]:
    """A payment that has been begun, and its address."""
    form = await visitor.get("/wallet/topup")
    data = {"intent": field(form, "intent"), "amount": amount, "method": method}
    started = await visitor.post("/wallet/topup", data=data)
    if started.status_code == 204:  # Telegram's invoice opens over the form
        path = msgspec.json.decode(started.headers["hx-trigger"])["invoice"]["page"]
        return path, await visitor.get(path)
    assert started.status_code == 200, started.text
    return started.headers["hx-push-url"], started


async def usdt(services: Services, actor: Actor, coins: FakeProvider, path: str, paid: str) -> None:
    """So much has come for a payment, in all."""
    latest = (await services.payments.intents.list_mine(actor))[0]
    assert str(latest.id) in path
    await services.payments.intents.settle("usdt_tron", coins.paid(latest.id, Money.parse(paid, "USDT")))


async def seen(visitor: Visitor, path: str) -> str:
    """The page's changing part."""
    return plain((await visitor.get(path, headers={"HX-Target": "payment"})).text)


async def test_methods_say_their_price_and_their_limits(visitor: MakeVisitor) -> None:
    buyer = visitor()
    form = plain((await buyer.get("/wallet/topup?method=stars")).text)
    for words in ("Telegram Stars", "3,847 Stars · instant", "USDT on TRON", "50.00 USDT · about 2 min"):
        assert words in form
    for words in ("Bank transfer", "Reviewed by hand · up to a day", "Amount, $5 to $200", "Continue · 3,847 Stars"):
        assert words in form
    quoted = await buyer.get("/wallet/topup/quote", params={"amount": "300", "method": "stars"})
    assert "The maximum is $200." in plain(quoted.text)
    assert "Up to $200" in quoted.text
    assert 'id="method-usdt_tron-note" hx-swap-oob="true"' in quoted.text
    refused = await buyer.post(
        "/wallet/topup", data={"amount": "300", "method": "stars", "intent": "an-intent-of-mine"}
    )
    assert refused.status_code == 422


async def test_who_sent_late_has_us_look_again(
    services: Services, visitor: MakeVisitor, coins: FakeProvider, clock: FakeClock
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    path, page = await begin(buyer, "usdt_tron")
    assert f'hx-post="{path}/look"' not in page.text
    clock.move(minutes=31)
    assert f'hx-post="{path}/look"' in (await buyer.get(path)).text
    nothing = await buyer.post(f"{path}/look")
    assert (nothing.status_code, "No payment received yet" in nothing.headers["hx-trigger"]) == (200, True)
    coins.down = True
    assert "isn't responding" in (await buyer.post(f"{path}/look")).headers["hx-trigger"]
    coins.down = False
    intent = (await services.payments.intents.list_mine(actor))[0]
    coins.paid(intent.id, intent.payable)
    response = await buyer.post(f"{path}/look")
    assert (response.status_code, f'hx-post="{path}/look"' in response.text) == (200, False)
    assert (await services.wallet.statement.overview(actor)).balance == usd(2500)
    stranger = visitor(99)
    await arrive(services, stranger)
    assert (await stranger.post(f"{path}/look")).status_code == 404


async def test_a_transfer_shows_where_and_how_much(
    services: Services, visitor: MakeVisitor, coins: FakeProvider, clock: FakeClock
) -> None:
    buyer = visitor()
    await arrive(services, buyer)
    path, page = await begin(buyer, "usdt_tron")
    assert page.text.count('class="qr__code"') == 1
    for copied in (ADDRESS, "25"):
        assert f'data-copy="{copied}"' in page.text
    assert "Only USDT on TRON (TRC-20)." in plain(page.text)
    assert 'role="timer"' in page.text
    assert 'hx-trigger="live, every 10s"' in page.text
    assert len(gzip.compress(page.content)) < 6 * 1024

    # What has not changed is not swapped under a finger that copies an address.
    (again,) = links(page, f"{path}?seen=")
    assert (await buyer.get(again, headers={"HX-Target": "payment"})).status_code == 204
    intent = (await services.payments.intents.list_mine(await arrive(services, buyer)))[0]
    details = {"confirmations": "3", "needed": "12", "seen": "25"}
    coins.reports(
        ProviderReport(event_id="deep-3", state=ProviderState.CONFIRMING, intent_id=intent.id, details=details)
    )
    confirming = await buyer.get(again, headers={"HX-Target": "payment"})
    assert confirming.status_code == 200
    assert "3 of 12 confirmations" in plain(confirming.text)
    assert confirming.text.count('class="on"') == 3
    assert "every 10s" in confirming.text
    # Coins on their way are not given up, however late.
    clock.move(hours=2)
    assert "3 of 12 confirmations" in await seen(buyer, path)


async def test_too_little_asks_for_the_rest(
    services: Services, visitor: MakeVisitor, coins: FakeProvider, clock: FakeClock
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    path, _ = await begin(buyer, "usdt_tron")
    await usdt(services, actor, coins, path, "20")
    short = await buyer.get(path)
    for words in ("5.00 USDT still due", "$20.00 is in your balance", "5.00 USDT more", "Keep $20.00"):
        assert words in plain(short.text)
    assert 'data-copy="5"' in short.text
    clock.move(hours=2)
    late = plain((await buyer.get(path)).text)
    assert "Payment expired." in late
    assert "Copy address" not in late
    await usdt(services, actor, coins, path, "25")
    assert "$25.00 is in your balance" in await seen(buyer, path)


async def test_a_transfer_can_be_seen_on_its_chain(
    services: Services, visitor: MakeVisitor, coins: FakeProvider, settings: Settings
) -> None:
    buyer, owner = visitor(), visitor(settings.root_admin_id)
    actor = await arrive(services, buyer)
    await arrive(services, owner)
    path, _ = await begin(buyer, "usdt_tron")
    intent = (await services.payments.intents.list_mine(actor))[0]
    there = 'href="https://tronscan.org/#/transaction/ab%2F12" hx-boost="false"'
    assert there not in (await buyer.get(path)).text
    report = msgspec.structs.replace(coins.paid(intent.id, intent.payable), charge_id="ab/12:25000000:0")
    await services.payments.intents.settle("usdt_tron", report)
    for person, address in ((buyer, path), (owner, f"/admin/payments/{intent.id}")):
        assert there in (await person.get(address)).text
    # A method without a chain has nothing to show.
    path, _ = await begin(buyer, "stars")
    latest = (await services.payments.intents.list_mine(actor))[0]
    paid = ProviderReport(
        event_id="s", state=ProviderState.PAID, intent_id=latest.id, received=latest.payable, charge_id="st"
    )
    await services.payments.intents.settle("stars", paid)
    assert "on the chain" not in (await buyer.get(path)).text


async def test_more_than_asked_is_all_in_the_balance(
    services: Services, visitor: MakeVisitor, coins: FakeProvider
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    path, _ = await begin(buyer, "usdt_tron")
    await usdt(services, actor, coins, path, "25.5")
    page = plain((await buyer.get(path)).text)
    assert "You sent 25.50 USDT, and 25.00 USDT was due" in page
    for words in ("You paid 25.50 USDT", "Amount $25.50", "Balance $25.50", "Reference", "Continue"):
        assert words in page


async def test_what_expired_is_not_lost(
    services: Services, visitor: MakeVisitor, coins: FakeProvider, clock: FakeClock
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    path, _ = await begin(buyer, "usdt_tron")
    clock.move(hours=1)
    expired = await buyer.get(path)
    assert "Start a new one." in expired.text
    assert links(expired, "/live")
    assert "Start again" in expired.text
    await usdt(services, actor, coins, path, "25")
    assert "$25.00 is in your balance" in await seen(buyer, path)


async def test_what_failed_and_what_went_back(
    services: Services, visitor: MakeVisitor, stars: FakeProvider, settings: Settings
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    path, _ = await begin(buyer, "stars")
    intent = (await services.payments.intents.list_mine(actor))[0]
    await services.payments.intents.settle("stars", stars.says(intent.id, ProviderState.FAILED))
    assert "Nothing was added" in await seen(buyer, path)
    await services.payments.intents.settle("stars", stars.paid(intent.id, intent.payable))
    stars.capabilities = type(stars.capabilities)(
        asset="XTR", unit_price=stars.capabilities.unit_price, refundable=True
    )
    chief = await arrive(services, visitor(settings.root_admin_id))
    for cents, words in (
        (500, "$5.00 was refunded to the payment method you used. $20.00 of this payment was not refunded."),
        (2000, "Refunded to the payment method you used."),
    ):
        await services.payments.refunds.refund_top_up(
            chief, intent.id, usd(cents), "as asked", idempotency_key=f"back-{cents}"
        )
        assert words in await seen(buyer, path)


async def test_a_proof_by_hand(services: Services, visitor: MakeVisitor, settings: Settings, clock: FakeClock) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    path, page = await begin(buyer, "deposit")
    intent = (await services.payments.intents.list_mine(actor))[0]
    assert intent.action is not None
    reference = intent.action.fields["reference"]
    assert f'data-copy="{reference}"' in page.text
    assert f"Name {reference}." in page.text
    assert f'hx-get="{path}/receipt"' in page.text  # the button at the bottom opens the sheet with the file's field
    assert 'hx-encoding="multipart/form-data"' in (await buyer.get(f"{path}/receipt")).text

    async def send(name: str, data: bytes) -> httpx.Response:
        return await buyer.post(f"{path}/proofs", files={"proof": (name, data)})

    for name, data, words in (
        ("a.txt", b"paid, I swear", "can't open this file"),
        ("a.png", PNG + b"\0" * MAX_UPLOAD_BYTES, f"larger than {UPLOAD_MB} MB"),
        ("a.png", b"", "The file is empty"),
    ):
        refused = await send(name, data)
        assert (refused.status_code, refused.headers["hx-retarget"]) == (422, "#sheet")
        assert words in refused.text
    taken = await send("a.png", PNG)
    assert taken.status_code == 200
    for words in ("Picture 1", "In review", "We review receipts within 24 hours", "Add receipt"):
        assert words in taken.text
    thumbnail = re.search(r'receipt--thumb.*?<img src="(?:https?://[^/]+)?([^"]+)"', taken.text)
    assert thumbnail is not None
    assert (await buyer.client.get(thumbnail[1].replace("&amp;", "&"))).content == PNG
    stranger = visitor(43)
    await arrive(services, stranger)
    assert (await stranger.post(f"{path}/proofs", files={"proof": ("a.png", PNG)})).status_code == 404

    chief = await arrive(services, visitor(settings.root_admin_id))
    await services.payments.deposits.reject(chief, intent.id, "The picture is of a cat")
    rejected = await buyer.get(path)
    assert "The picture is of a cat" in rejected.text
    assert "Add receipt" in rejected.text
    for _ in range(4):
        full = await send("b.png", PNG)
    assert "Add receipt" not in full.text
    await services.payments.deposits.confirm(chief, intent.id, usd(2500))
    assert "$25.00 is in your balance" in await seen(buyer, path)
    clock.move(days=1)


async def test_payments_are_listed_with_how_they_stand(
    services: Services, visitor: MakeVisitor, coins: FakeProvider
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    assert "No payments yet" in (await buyer.get("/wallet/payments")).text
    assert "/wallet/payments" not in (await buyer.get("/wallet")).text
    first, _ = await begin(buyer, "usdt_tron")
    await usdt(services, actor, coins, first, "25")
    second, _ = await begin(buyer, "stars")
    rows = await buyer.get("/wallet/payments")
    assert rows.text.index(second) < rows.text.index(first)
    assert "Awaiting payment" in rows.text
    assert "Received" in rows.text
    home = await buyer.get("/wallet")
    assert "Pending payments" in home.text
    # The open one above the history, the paid one as a row of it.
    assert home.text.count(second) == 1
    assert home.text.count(first) == 1
    assert "USDT on TRON" in home.text
    assert first not in (await visitor(44).get("/wallet/payments")).text
    assert (await services.payments.intents.list_mine(actor))[1].status is IntentStatus.SUCCEEDED


async def test_a_payment_that_the_provider_has_not_opened_says_so(
    services: Services, visitor: MakeVisitor, coins: FakeProvider, clock: FakeClock
) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    coins.down = True
    data = {"intent": "an-intent-of-mine", "amount": "25", "method": "usdt_tron"}
    refused = await buyer.post("/wallet/topup", data=data)
    assert "Try another one" in refused.headers["hx-trigger"]
    assert field(refused, "intent") != data["intent"]
    assert 'maxlength="20" dir="ltr" value="25"' in refused.text
    intent = (await services.payments.intents.list_mine(actor))[0]
    path = f"/wallet/payments/{intent.id}"
    assert "Connecting to USDT on TRON" in await seen(buyer, path)
    coins.down = False
    clock.move(seconds=timedelta(minutes=1).total_seconds())
    assert "Copy address" in await seen(buyer, path)


@pytest.mark.parametrize("language", ["ar", "ru"])
async def test_no_english_is_left_over(
    services: Services, visitor: MakeVisitor, coins: FakeProvider, language: str
) -> None:
    buyer = visitor(language_code=language)
    actor = await arrive(services, buyer)
    pages = [await buyer.get("/wallet/topup")]
    pages += [(await begin(buyer, method))[1] for method in ("usdt_tron", "deposit", "stars", "demo")]
    path, _ = await begin(buyer, "usdt_tron")
    for paid in ("20", "26"):
        await usdt(services, actor, coins, path, paid)
        pages.append(await buyer.get(path))
    pages += [await buyer.get("/wallet/payments"), await buyer.get("/wallet")]
    for page in pages:
        text = plain(page.text)
        for word in ("Send", "Copy", "Payment", "Awaiting", "balance", "Receipt", "Received", "Stars", "proof"):
            assert word not in text, (word, text)


async def test_a_closed_invoice_leads_back_with_a_word(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    await arrive(services, buyer)
    path, page = await begin(buyer, "stars")
    assert f'data-open-link="{path}"' in page.text
    for status, said in (("failed", "Payment failed. You weren't charged."), ("cancelled", "Payment cancelled.")):
        closed = await buyer.get(f"{path}/closed", params={"status": status})
        assert closed.status_code == 204  # the form is still there
        assert said in closed.headers["hx-trigger"]
    paid = await buyer.get(f"{path}/closed", params={"status": "paid"})
    assert (paid.headers["hx-retarget"], paid.headers["hx-push-url"]) == ("#app", path)
    assert (await buyer.get(f"{path}/closed", params={"status": "free"})).status_code == 400
    assert (await visitor(44).get(f"{path}/closed", params={"status": "paid"})).status_code == 404


async def test_another_payment_replaces_the_open_one(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    path, page = await begin(buyer, "usdt_tron", "40")
    (instead,) = links(page, "/wallet/topup?instead=")
    form = await buyer.get(instead)
    assert 'value="40' in form.text
    data = {name: field(form, name) for name in ("intent", "instead")} | {"amount": "40", "method": "demo"}
    assert (await buyer.post("/wallet/topup", data=data)).status_code == 200
    assert [item.status for item in await services.payments.intents.list_mine(actor)] == [
        IntentStatus.PENDING,
        IntentStatus.CANCELLED,
    ]
    assert "You chose another payment method." in await seen(buyer, path)
