"""Messages about money to customers and admins: each in their language, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backend.approvals.types import FirstApproval, ValueId, ValueKind
from backend.growth.types import GiftCardId, GiftCardRedeemed, NewBonusRule
from backend.identity.types import Actor, Permission
from backend.infra.i18n import translator
from backend.kernel.events import Event
from backend.kernel.ids import OrderId, UserId, new_id
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.notifications.messages import Words
from backend.notifications.notices import approvals, orders, payments, wallet
from backend.orders.types import NotAppliedReason, OrderPaymentKept, OrderRefunded, RefundTarget
from backend.payments.types import (
    DepositProved,
    IntentId,
    IntentStatus,
    PaymentEventId,
    PaymentUnmatched,
    ProviderReport,
    ProviderState,
    ReconciliationDiffered,
    ReconciliationFailed,
    RefundEnded,
    RefundId,
    RefundStatus,
    TopUpSucceeded,
)
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import DMITRI, EMMA, LAYLA, NADIA, Telegram, button
from tests.factories.identity import contact
from tests.factories.wallet import usd

PUBLIC = "http://127.0.0.1:8080"


async def tell(shop: Shop, *events: Event) -> None:
    async with shop.services.uow() as tx:
        for event in events:
            tx.emit(event)
    await shop.work()


async def admin(shop: Shop, telegram: Telegram, number: int, language: str, *permissions: Permission) -> Actor:
    await telegram.person(number).meet()
    root = await shop.services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
    person = await shop.services.identity.access.authenticate(
        contact(number, language_code=language, first_name="Layla")
    )
    await shop.services.identity.admins.set_permissions(root, person.id, permissions)
    actor = await shop.services.identity.access.actor_by_telegram_id(number)
    assert actor is not None
    return actor


def topped_up(buyer: Actor, **how: Any) -> TopUpSucceeded:
    given: dict[str, Any] = {
        "intent_id": IntentId(new_id()), "user_id": buyer.id, "order_id": None, "method": "demo", "amount": 2500,
        "balance": 102_500, "currency": "USD", "status": IntentStatus.SUCCEEDED,
    }  # fmt: skip
    return TopUpSucceeded(**{**given, **how})


def refund(buyer: Actor, status: RefundStatus) -> RefundEnded:
    return RefundEnded(
        refund_id=RefundId(new_id()), intent_id=IntentId(new_id()), user_id=buyer.id, order_id=None, method="demo",
        amount=1999, currency="USD", status=status,
    )  # fmt: skip


async def test_a_short_payment_says_how_much_is_missing_in_its_asset(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer()
    await tell(shop, topped_up(buyer, status=IntentStatus.UNDERPAID, missing=3_500_000, asset="USDT"))
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].startswith("$25.00 added to your balance\nBalance: $1,025.00\nAmount due: ")
    assert "3.50" in message["text"]
    assert "USDT" in message["text"]


async def test_a_long_payment_says_that_all_of_it_is_there(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer()
    await tell(shop, topped_up(buyer, status=IntentStatus.OVERPAID, asset="USD"))
    (message,) = await telegram.person(EMMA).heard()
    assert "more than the amount due" in message["text"]


async def test_for_an_order_the_orders_own_message_follows(shop: Shop, telegram: Telegram) -> None:
    goods, buyer = await shop.goods(), await shop.buyer(cents=100)
    order = await shop.services.orders.checkout.reserve(buyer, goods.variant_id, 1, "waits-for-money")
    await tell(
        shop,
        topped_up(buyer, order_id=OrderId(order.id), status=IntentStatus.UNDERPAID, missing=100, asset="USD"),
    )
    messages = [item for item in await telegram.person(EMMA).heard() if "received for order" in item["text"]]
    assert len(messages) == 1
    assert order.number in messages[0]["text"]
    assert "Amount due: $1.00" in messages[0]["text"]
    assert button(messages[0], "Open order")["value"] == f"{PUBLIC}/orders/{order.number}"


async def test_an_order_that_has_spoken_for_itself(shop: Shop, telegram: Telegram) -> None:
    goods, buyer = await shop.goods(), await shop.buyer()
    order = await shop.sale(buyer, goods)
    await shop.work()
    before = len(await telegram.person(EMMA).heard())
    await tell(shop, topped_up(buyer, order_id=OrderId(order.id)))
    (quiet,) = await shop.notifications("top_up")
    assert quiet.status == "withheld"
    await tell(shop, topped_up(buyer, order_id=OrderId(order.id), status=IntentStatus.OVERPAID))
    await shop.later(seconds=5)
    messages_now = await telegram.person(EMMA).heard()
    assert len(messages_now) == before + 1
    assert "more than order" in messages_now[-1]["text"]


async def test_an_order_that_was_paid_before_leaves_the_money_in_the_wallet(shop: Shop, telegram: Telegram) -> None:
    goods, buyer = await shop.goods(), await shop.buyer()
    order = await shop.sale(buyer, goods)
    await shop.work()
    await shop.later(minutes=1)
    await tell(shop, topped_up(buyer, order_id=OrderId(order.id)))
    last = (await telegram.person(EMMA).heard())[-1]
    assert last["text"].startswith("$25.00 added to your balance")


async def test_money_for_an_order_that_is_over_is_told_by_the_order(shop: Shop, telegram: Telegram) -> None:
    goods, buyer = await shop.goods(), await shop.buyer()
    order = await shop.services.orders.checkout.reserve(buyer, goods.variant_id, 1, "waits-for-money")
    await shop.services.orders.reservations.cancel(buyer, order.number)
    await tell(shop, topped_up(buyer, order_id=OrderId(order.id)))
    (message,) = await telegram.person(EMMA).heard()
    assert order.number in message["text"]
    assert "Received for cancelled order" in message["text"]
    assert [row.status for row in await shop.notifications("top_up")] == ["withheld"]


async def test_late_money_whose_goods_are_gone(shop: Shop, telegram: Telegram) -> None:
    goods, buyer = await shop.goods(), await shop.buyer()
    order = await shop.sale(buyer, goods)
    await shop.work()
    event = OrderPaymentKept(
        order_id=OrderId(order.id), user_id=buyer.id, amount=720, currency="USD", why=NotAppliedReason.SOLD_OUT
    )
    await tell(shop, event)
    await shop.later(seconds=5)
    last = (await telegram.person(EMMA).heard())[-1]
    assert last["text"].startswith("$7.20 added to your balance")
    assert "The product is sold out" in last["text"]
    assert order.number in last["text"]
    assert button(last, "Open wallet")["value"] == f"{PUBLIC}/wallet"


@pytest.mark.parametrize("locale", Locale)
def test_money_that_is_kept_says_why(locale: Locale) -> None:
    words = Words(locale, PUBLIC)
    said = {orders.payment_not_applied(words, usd(720), "S-4K7Q2M", why).text for why in NotAppliedReason}
    assert len(said) == len(NotAppliedReason)
    assert all("S-4K7Q2M" in text for text in said)


@pytest.mark.parametrize(
    ("target", "said"),
    [(RefundTarget.WALLET, "in your balance"), (RefundTarget.PROVIDER, "Sent to your payment method")],
)
async def test_money_of_an_order_that_goes_back(
    shop: Shop, telegram: Telegram, target: RefundTarget, said: str
) -> None:
    goods, buyer = await shop.goods(), await shop.buyer()
    order = await shop.sale(buyer, goods)
    await shop.work()
    await tell(
        shop,
        OrderRefunded(order_id=OrderId(order.id), user_id=buyer.id, amount=720, currency="USD", target=target),
    )
    await shop.later(seconds=5)
    last = (await telegram.person(EMMA).heard())[-1]
    assert f"Refund of $7.20 for order {order.number}" in last["text"]
    assert said in last["text"]


async def test_a_refund_that_was_sent(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer(language="ru")
    ended = refund(buyer, RefundStatus.SUCCEEDED)
    await tell(shop, ended)
    await tell(shop, ended)  # the event comes twice, the message once
    (message,) = await telegram.person(EMMA).heard()
    assert "Возвращено" in message["text"]
    assert "19,99" in message["text"]
    assert await telegram.person(NADIA).heard(wait=0) == []


async def test_a_refund_that_was_refused(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer()
    await admin(shop, telegram, LAYLA, "ar", Permission.MONEY)
    await admin(shop, telegram, DMITRI, "ru", Permission.ORDERS)
    ended = refund(buyer, RefundStatus.FAILED)
    await tell(shop, ended)
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].startswith("$19.99 added to your balance")
    (notice,) = await telegram.person(NADIA).heard()
    assert notice["text"].startswith("Refund failed")
    assert button(notice, "View details")["value"] == f"{PUBLIC}/admin/payments/{ended.intent_id}"
    (arabic,) = await telegram.person(LAYLA).heard()
    assert translator(Locale.AR).gettext("View details") == arabic["buttons"][0][0]["text"]
    assert await telegram.person(DMITRI).heard(wait=0) == []


async def test_a_comparison_that_could_not_be_made(shop: Shop, telegram: Telegram) -> None:
    failed = ReconciliationFailed(reconciliation_id=new_id(), method="stars")
    await tell(shop, failed)
    await tell(shop, failed)
    (message,) = await telegram.person(NADIA).heard()
    assert message["text"].startswith("Reconciliation failed: \u2068Telegram Stars\u2069\n")
    assert button(message, "View details")["value"] == f"{PUBLIC}/admin/payments/reconciliation"


async def test_what_admins_for_money_are_told(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer()
    await admin(shop, telegram, DMITRI, "en", *(item for item in Permission if item is not Permission.MONEY))
    intent = await shop.services.payments.intents.start_top_up(buyer, "demo", usd(2000), idempotency_key="by-hand")
    intent_id = intent.id
    unknown = {"method": "usdt_evm", "reason": "unknown_payment"}
    await tell(
        shop,
        PaymentUnmatched(event_id=PaymentEventId(new_id()), amount=5_000_000, currency="USDT", **unknown),
        PaymentUnmatched(event_id=PaymentEventId(new_id()), amount=None, currency=None, **unknown),
        DepositProved(intent_id=intent_id, user_id=buyer.id, amount=2000, currency="USD", reference="D-4K7Q2M"),
        ReconciliationDiffered(reconciliation_id=new_id(), method="stars", differences=2),
    )
    for _ in range(6):
        await shop.later(seconds=5)
    messages = await telegram.person(NADIA).heard()
    texts = sorted(item["text"].splitlines()[0] for item in messages)
    assert len(texts) == 4
    assert texts[:3] == [
        "Deposit of $20.00 to review",
        "Reconciliation: \u2068Telegram Stars\u2069 differs from the ledger",
        "Unmatched payment event",
    ]
    assert texts[3].startswith("Unmatched payment: ")
    assert any("Emma Clarke <3" in item["text"] for item in messages)
    assert any("2 differences" in item["text"] for item in messages)
    assert sum("Reference: D-4K7Q2M\n" in item["text"] for item in messages) == 1
    assert sum("\u2068USDT on EVM\u2069\nNo matching payment" in item["text"] for item in messages) == 2
    assert {item["buttons"][0][0]["value"].removeprefix(PUBLIC) for item in messages} == {
        "/admin/payments/unmatched", f"/admin/payments/{intent_id}", "/admin/payments/reconciliation",
    }  # fmt: skip
    assert await telegram.person(DMITRI).heard(wait=0) == []


async def test_an_adjustment_from_the_asking_to_the_telling(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer()
    asker = await admin(shop, telegram, LAYLA, "en", Permission.MONEY)
    second = await admin(shop, telegram, DMITRI, "ru", Permission.MONEY)
    adjustments = shop.services.wallet.adjustments
    asked = await adjustments.adjust(asker, buyer.id, adjustments.limit + usd(1), "sorry <3", idempotency_key="k")
    await shop.work()
    assert await telegram.person(LAYLA).heard(wait=0) == []  # they asked for it
    (message,) = await telegram.person(NADIA).heard()
    assert message["text"].startswith("Second approval needed: +$100.01\nBalance adjustment\nFor: ")
    assert "sorry <3" in message["text"]
    assert button(message, "View details")["value"] == f"{PUBLIC}/admin/adjustments"
    await shop.services.wallet.adjustments.approve(second, asked.id)
    await shop.work()
    (notice,) = await telegram.person(EMMA).heard()
    assert notice["text"].startswith("$100.01 added to your balance\nReason: \u2068sorry <3\u2069")


async def test_what_is_decided_is_asked_of_nobody(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer()
    asker = await admin(shop, telegram, LAYLA, "en", Permission.MONEY)
    adjustments = shop.services.wallet.adjustments
    asked = await adjustments.adjust(asker, buyer.id, adjustments.limit + usd(1), "no", idempotency_key="k")
    await shop.services.wallet.adjustments.refuse(asker, asked.id, "a mistake")
    await shop.work()
    assert {row.status for row in await shop.notifications("approval_asked")} == {"withheld"}
    assert await telegram.person(NADIA).heard(wait=0) == []


async def test_a_debit_is_told_too(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer(cents=1000)
    asker = await admin(shop, telegram, LAYLA, "en", Permission.MONEY)
    await shop.services.wallet.adjustments.adjust(asker, buyer.id, usd(-400), "by mistake", idempotency_key="k")
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].startswith("$4.00 deducted from your balance")
    assert message["text"].endswith("Balance: $6.00")


async def test_a_redeemed_gift(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer()
    await tell(shop, GiftCardRedeemed(gift_card_id=GiftCardId(new_id()), user_id=buyer.id, amount=1000, currency="USD"))
    texts = [item["text"].splitlines()[0] for item in await telegram.person(EMMA).heard()]
    assert texts == ["Your gift card of $10.00 has been redeemed"]


@pytest.mark.parametrize("locale", Locale)
def test_no_stranger_writes_the_markup(locale: Locale) -> None:
    words, evil = Words(locale, PUBLIC), '<b onclick="x">&'
    first = FirstApproval(
        id=ValueId(new_id()), kind=ValueKind.REFUND, subject="i", amount=usd(1), permission=Permission.ORDERS,
        user_id=None, reason=evil, facts={}, by=UserId(new_id()), at=datetime.now(UTC),
    )  # fmt: skip
    for message in (
        approvals.approval_asked(words, first, evil, evil, "/orders/i"),
        orders.order_of_blocked(words, usd(1), "S-4K7Q2M", evil),
        wallet.wallet_adjusted(words, usd(-1), usd(0), evil),
        payments.deposit_proved(words, usd(1), evil, 7, "i", reference=evil, by=evil, judged="confirmed"),
        payments.payment_unmatched(words, Money(1, "USDT"), evil, evil),
        payments.reconciliation_differed(words, evil, 1),
        payments.refund_failed(words, usd(1), evil, "i"),
    ):
        text = message.text.lower()
        assert "<b onclick" not in text
        assert "&lt;b onclick" in text


async def test_a_top_up_and_its_bonus_are_one_message(shop: Shop, telegram: Telegram) -> None:
    """The whole way as the worker goes it: from the provider's report to one message that says both."""
    root = await shop.services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
    await shop.services.growth.bonuses.add_rule(root, NewBonusRule(minimum=usd(1000), basis_points=1000))
    buyer, payments = await shop.buyer(cents=100), shop.services.payments.intents
    intent = await payments.start_top_up(buyer, "demo", usd(2000), None, idempotency_key="top-up-with-a-bonus")
    paid = ProviderReport(event_id="paid", state=ProviderState.PAID, intent_id=intent.id, received=usd(2000))
    for _ in range(2):
        await payments.settle("demo", paid)
    await shop.work()
    await shop.later(seconds=5)
    texts = [item["text"] for item in await telegram.person(EMMA).heard()]
    assert texts == ["$20.00 added to your balance\nBonus: $2.00\nBalance: $23.00"]
    assert (await shop.services.wallet.statement.overview(buyer)).balance == usd(2300)
    assert (await shop.services.wallet.ledger.verify(Actor.system())).balanced
