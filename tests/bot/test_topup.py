"""/topup in the chat: amounts, a real invoice, the money; and cards by a provider's token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from backend.bootstrap import Services, build
from backend.identity.types import Actor
from backend.infra.formatting import format_money, joined
from backend.infra.i18n import translator
from backend.infra.settings import Settings
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.payments.errors import ProviderDown, RefundNotPossible
from backend.payments.types import ActionKind, IntentStatus
from tests.bot.conftest import Parts, polling
from tests.bot.paying import Payer, inbox, money_update, payer
from tests.bot.telegram import DMITRI, EMMA, LAYLA, Telegram, button
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

CASHIER = Actor.system()


@pytest.mark.parametrize(("number", "language"), [(EMMA, "en"), (LAYLA, "ar"), (DMITRI, "ru")])
async def test_an_amount_becomes_an_invoice_and_the_invoice_money(
    running_bot: Parts, telegram: Telegram, shop: Services, number: int, language: str
) -> None:
    who, person, locale = await payer(telegram, shop, number, language), telegram.person(number), Locale(language)
    offer = await person.say("/topup")
    prices = {10: 770, 25: 1924, 50: 3847, 100: 7693}  # at $0.013 a Star, rounded up
    labels = [row[0]["text"] for row in offer["buttons"]]
    assert labels[:4] == [
        joined([format_money(usd(100 * dollars), locale), format_money(Money(stars, "XTR"), locale)], locale)
        for dollars, stars in prices.items()
    ]
    assert labels[4].endswith(translator(locale).gettext("by card"))
    assert offer["buttons"][-1][0]["value"].endswith("/wallet/topup")
    await person.press(offer, labels[0])
    (invoice,) = await person.heard(after=offer["message_id"])
    assert (invoice["invoice"]["currency"], invoice["invoice"]["total_amount"]) == ("XTR", 770)
    assert invoice["invoice"]["title"].startswith(translator(locale).gettext("Top-up: {sum}").partition("{")[0])
    pressed = await person.press(invoice, invoice["buttons"][0][0]["text"])
    assert (await who.pay(pressed["slug"]))["status"] == "paid"
    (begun,) = await shop.payments.intents.list_mine(who.actor)
    await who.settled(begun.id)
    assert await who.balance() == 1000
    # The same button begins a new payment now, and one more tap the same again.
    for _ in range(2):
        await person.press(offer, labels[0])
    assert [item.status for item in await shop.payments.intents.list_mine(who.actor)].count(IntentStatus.PENDING) >= 1


async def test_a_second_tap_is_the_same_payment(running_bot: Parts, telegram: Telegram, emma: Payer) -> None:
    person = telegram.person(EMMA)
    offer = await person.say("/topup")
    label = offer["buttons"][0][0]["text"]
    for _ in range(3):
        await person.press(offer, label)
    (begun,) = await emma.services.payments.intents.list_mine(emma.actor)
    invoices = await telegram.calls("sendInvoice")
    assert {call["params"]["payload"] for call in invoices} == {str(begun.id)}


async def test_an_old_button_restarts(running_bot: Parts, telegram: Telegram, emma: Payer, clock: FakeClock) -> None:
    person = telegram.person(EMMA)
    offer = await person.say("/topup")
    label = offer["buttons"][0][0]["text"]
    await person.press(offer, label)
    (invoice, *_) = await person.heard(after=offer["message_id"])
    clock.move(hours=1)
    await person.press(offer, label)
    assert await person.heard(after=invoice["message_id"])
    first, second = await emma.services.payments.intents.list_mine(emma.actor)
    assert first.id != second.id
    last = (await telegram.calls("sendInvoice"))[-1]
    assert last["params"]["payload"] == str(first.id)


@pytest.mark.parametrize("data", ["topup:", "topup:stars", "topup:stars:1", "topup:demo:1000", "topup:stars:1000:1"])
async def test_forged_buttons_begin_nothing(running_bot: Parts, telegram: Telegram, emma: Payer, data: str) -> None:
    markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="forged", callback_data=data)]])
    await telegram.person(EMMA).meet()
    sent = await running_bot.bot.send_message(EMMA, "words", reply_markup=markup)
    pressed = await telegram.person(EMMA).press({"message_id": sent.message_id}, "forged")
    assert pressed["text"] == "This button is too old"
    assert await emma.services.payments.intents.list_mine(emma.actor) == []


async def test_without_invoices_the_wallet_is_in_the_shop(
    telegram: Telegram, other_settings: Callable[..., Settings], committed_db: None
) -> None:
    services = build(other_settings(telegram_api_url=telegram.url))
    async with services.running(listen=False):
        await services.identity.access.ensure_root()
        await services.redis.flushdb()
        parts = Parts(services)
        async with polling(parts):
            offer = await telegram.person(EMMA).say("/topup")
        await parts.bot.session.close()
    assert [item["value"] for row in offer["buttons"] for item in row] == ["http://127.0.0.1:8080/wallet/topup"]


# Cards


async def test_a_card_pays_in_the_shops_currency(running_bot: Parts, telegram: Telegram, emma: Payer) -> None:
    begun = await emma.begin(method="telegram_card")
    assert begun.action is not None
    assert (begun.action.kind, begun.payable) == (ActionKind.INVOICE, usd(1000))
    (call,) = await telegram.calls("createInvoiceLink")
    assert call["params"]["currency"] == "USD"
    paid = await emma.pay(begun.action.url)
    assert (await emma.settled(begun.id)).charge_id == paid["charge_id"]
    assert await emma.balance() == 1000
    assert (await emma.pay(begun.action.url))["status"] == "failed"
    with pytest.raises(RefundNotPossible):
        await emma.services.payments.refunds.refund_top_up(CASHIER, begun.id, usd(1000), "asked", idempotency_key="all")
    (compared,) = [
        item for item in await emma.services.payments.reconciliation.reconcile_all() if item.method == "telegram_card"
    ]
    assert (compared.differences, compared.error) == ([], "")


async def test_cards_and_stars_do_not_pay_each_other(parts: Parts, emma: Payer) -> None:
    card, stars = await emma.begin(method="telegram_card", key="card"), await emma.begin()
    await parts.intake.take(money_update(parts, str(card.id), stars.payable, "a"))
    await parts.intake.take(money_update(parts, str(stars.id), card.payable, "b"))
    await parts.intake.take(money_update(parts, str(card.id), Money(1000, "EUR"), "c"))
    assert await inbox(emma.services) == [("a", "unknown_payment"), ("b", "unknown_payment"), ("c", "wrong_currency")]
    assert await emma.balance() == 0


async def test_a_wrong_provider_token_is_the_operators_matter(
    running_bot: Parts, telegram: Telegram, emma: Payer
) -> None:
    await telegram.fault("createInvoiceLink", kind="error", status=400, description="PAYMENT_PROVIDER_INVALID")
    with pytest.raises(ProviderDown):
        await emma.begin(method="telegram_card")


async def test_the_button_says_what_it_costs(running_bot: Parts, telegram: Telegram, emma: Payer) -> None:
    offer = await telegram.person(EMMA).say("/topup")
    assert button(offer, "$25.00\u00a0· 1,924\u00a0Stars")["kind"] == "callback"
    assert button(offer, "$25.00\u00a0· by card")["kind"] == "callback"


@pytest.mark.parametrize("typed", ["5", "5.00", "٥"])
async def test_an_amount_after_the_command_is_offered(
    typed: str, running_bot: Parts, telegram: Telegram, emma: Payer
) -> None:
    offer = await telegram.person(EMMA).say(f"/topup {typed}")
    labels = [item["text"] for row in offer["buttons"] for item in row]
    assert [label.partition("\u00a0· ")[0] for label in labels] == ["$5.00", "$5.00", "More options"]
    pressed = await telegram.person(EMMA).press(offer, labels[0])
    assert pressed["answered"]
    (invoice,) = await telegram.person(EMMA).heard(after=offer["message_id"])
    assert "$5.00" in invoice["invoice"]["title"]


@pytest.mark.parametrize(("typed", "said"), [("much", "Send an amount"), ("1000000", "You can top up from $1.00")])
async def test_an_amount_that_cannot_be(
    typed: str, said: str, running_bot: Parts, telegram: Telegram, emma: Payer
) -> None:
    assert said in (await telegram.person(EMMA).say(f"/topup {typed}"))["text"]
