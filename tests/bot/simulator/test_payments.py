"""Stars: invoices, pre-checkout, payment, refund, transactions, subscriptions."""

import asyncio
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import LabeledPrice

from tests.bot.simulator.conftest import BUYER, RUSSIAN, Simulator, running

MONTH = 2592000


async def invoice(bot: Bot, **changes: Any) -> str:
    params: dict[str, Any] = {
        "title": "VPN key",
        "description": "Three months",
        "payload": "order-1",
        "currency": "XTR",
        "prices": [LabeledPrice(label="VPN", amount=250)],
    }
    return await bot.create_invoice_link(**(params | changes))


async def answer_next(simulator: Simulator, ok: bool = True, error: str | None = None) -> Any:
    """Answer the next pre_checkout_query as a bot does."""
    updates = await simulator.updates()
    query = updates[-1].pre_checkout_query
    await simulator.bot.answer_pre_checkout_query(query.id, ok, error_message=error)
    return query


async def pay(simulator: Simulator, link: str, person: int = BUYER, outcome: str = "paid") -> Any:
    return await simulator.post(f"/personas/{person}/pay", slug=link, outcome=outcome)


async def paid(simulator: Simulator, link: str) -> Any:
    paying = asyncio.create_task(pay(simulator, link))
    await answer_next(simulator)
    return await paying


async def test_payment_by_link(simulator: Simulator) -> None:
    link = await invoice(simulator.bot)
    assert link.startswith("https://t.me/$")
    paying = asyncio.create_task(pay(simulator, link))
    query = await answer_next(simulator)
    assert (query.currency, query.total_amount, query.invoice_payload) == ("XTR", 250, "order-1")
    result = await paying
    assert result["status"] == "paid"
    payment = (await simulator.updates())[-1].message.successful_payment
    assert payment.telegram_payment_charge_id == result["charge_id"]
    assert (payment.total_amount, payment.invoice_payload, payment.is_recurring) == (250, "order-1", None)
    transactions = (await simulator.bot.get_star_transactions()).transactions
    assert [(entry.id, entry.amount) for entry in transactions] == [(result["charge_id"], 250)]
    assert (await simulator.bot.get_my_star_balance()).amount == 250
    message = (await simulator.get(f"/personas/{BUYER}/messages"))[-1]
    assert message["service"]["kind"] == "paid"


async def test_payment_by_message(simulator: Simulator) -> None:
    sent = await simulator.bot.send_invoice(
        BUYER, "VPN key", "Three months", "order-2", "XTR", [LabeledPrice(label="VPN", amount=10)]
    )
    assert sent.invoice
    assert sent.reply_markup
    pressed = await simulator.post(f"/personas/{BUYER}/press", message_id=sent.message_id)
    assert pressed["kind"] == "pay"
    paying = asyncio.create_task(pay(simulator, pressed["slug"]))
    await answer_next(simulator)
    assert (await paying)["status"] == "paid"
    messages = await simulator.get(f"/personas/{BUYER}/messages")
    assert next(m for m in messages if m["message_id"] == sent.message_id)["invoice"]["paid"] is True


async def test_refused_declined_and_cancelled(simulator: Simulator) -> None:
    link = await invoice(simulator.bot)
    paying = asyncio.create_task(pay(simulator, link))
    query = await answer_next(simulator, ok=False, error="Sold out a moment ago")
    assert await paying == {"status": "failed", "error": "Sold out a moment ago"}
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await simulator.bot.answer_pre_checkout_query(query.id, True)
    declined = asyncio.create_task(pay(simulator, link, outcome="failed"))
    await answer_next(simulator)
    assert (await declined)["status"] == "failed"
    assert await pay(simulator, link, outcome="cancelled") == {"status": "cancelled"}
    assert (await simulator.bot.get_star_transactions()).transactions == []
    assert await simulator.bot.get_updates() == []


async def test_silence_fails_the_payment() -> None:
    async with running(pre_checkout_seconds=0.05) as simulator:
        result = await pay(simulator, await invoice(simulator.bot))
        assert result["status"] == "failed"
        assert "did not answer" in result["error"]


async def test_refund_once(simulator: Simulator) -> None:
    charge = (await paid(simulator, await invoice(simulator.bot)))["charge_id"]
    await simulator.updates()
    with pytest.raises(TelegramBadRequest, match="CHARGE_NOT_FOUND"):
        await simulator.bot.refund_star_payment(RUSSIAN, charge)
    assert await simulator.bot.refund_star_payment(BUYER, charge)
    refunded = (await simulator.updates())[-1].message.refunded_payment
    assert refunded.telegram_payment_charge_id == charge
    with pytest.raises(TelegramBadRequest, match="CHARGE_ALREADY_REFUNDED"):
        await simulator.bot.refund_star_payment(BUYER, charge)
    transactions = (await simulator.bot.get_star_transactions()).transactions
    assert [(entry.id, entry.source is not None, entry.receiver is not None) for entry in transactions] == [
        (charge, True, False),
        (charge, False, True),
    ]
    assert (await simulator.bot.get_star_transactions(offset=1, limit=1)).transactions[0].receiver is not None
    assert (await simulator.bot.get_my_star_balance()).amount == 0


async def test_subscription_renews_until_cancelled(simulator: Simulator) -> None:
    link = await invoice(simulator.bot, subscription_period=MONTH)
    charge = (await paid(simulator, link))["charge_id"]
    first = (await simulator.updates())[-1].message.successful_payment
    assert first.is_recurring
    assert first.is_first_recurring
    await simulator.post("/renew", charge_id=charge)
    second = (await simulator.updates())[-1].message.successful_payment
    assert (second.is_recurring, second.is_first_recurring) == (True, None)
    assert second.subscription_expiration_date - first.subscription_expiration_date == MONTH
    listed = (await simulator.bot.get_star_transactions()).transactions
    assert [entry.id for entry in listed] == [charge, second.telegram_payment_charge_id]
    assert {entry.source.subscription_period for entry in listed} == {MONTH}
    assert await simulator.bot.refund_star_payment(BUYER, second.telegram_payment_charge_id)
    # The first charge names the subscription, and only to its own person's bot.
    for person, named in ((RUSSIAN, charge), (BUYER, second.telegram_payment_charge_id), (BUYER, "no such charge")):
        with pytest.raises(TelegramBadRequest, match="CHARGE_NOT_FOUND"):
            await simulator.bot.edit_user_star_subscription(person, named, is_canceled=True)
    assert await simulator.bot.edit_user_star_subscription(BUYER, charge, is_canceled=True)
    for path, body in (("renew", {}), ("subscription", {"canceled": False})):
        answer = await simulator.http.post(f"/control/{path}", json={"charge_id": charge, **body})
        assert answer.status_code == 400
    # Allowed again, it stays cancelled until its person resumes it.
    assert await simulator.bot.edit_user_star_subscription(BUYER, charge, is_canceled=False)
    assert (await simulator.http.post("/control/renew", json={"charge_id": charge})).status_code == 400
    await simulator.updates()
    states = []
    for path, body in (
        ("subscription", {"canceled": False}), ("renew", {"outcome": "failed"}), ("subscription", {"canceled": True}),
    ):  # fmt: skip
        await simulator.post(f"/{path}", charge_id=charge, **body)
        states.append((await simulator.updates())[-1].subscription.state)
    assert states == ["active", "failed", "canceled"]
    message = next(one for one in await simulator.get(f"/personas/{BUYER}/messages") if one.get("service"))
    assert message["service"]["subscription"] == {"canceled": True, "bot_canceled": False}


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"title": "x" * 33}, "INVOICE_TITLE_INVALID"),
        ({"description": "x" * 256}, "INVOICE_DESCRIPTION_INVALID"),
        ({"payload": "é" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"currency": "EUR"}, "PAYMENT_PROVIDER_INVALID"),
        ({"provider_token": "1:2"}, "STARS_INVOICE_INVALID"),
        ({"prices": [LabeledPrice(label="a", amount=1), LabeledPrice(label="b", amount=1)]}, "STARS_INVOICE_INVALID"),
        ({"prices": [LabeledPrice(label="a", amount=0)]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"subscription_period": 60}, "SUBSCRIPTION_PERIOD_INVALID"),
    ],
)
async def test_refused_invoices(simulator: Simulator, changes: dict[str, Any], description: str) -> None:
    with pytest.raises(TelegramBadRequest, match=description):
        await invoice(simulator.bot, **changes)
