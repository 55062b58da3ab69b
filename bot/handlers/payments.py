"""Paying inside Telegram: /topup and its invoices, the question before a payment, and the news after it."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import structlog
from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, InlineKeyboardButton, LabeledPrice, Message, PreCheckoutQuery

from backend.identity.types import Actor
from backend.infra.formatting import joined
from backend.kernel.errors import Invalid
from backend.kernel.money import STARS, Money
from backend.orders.errors import OrderNotPayable
from backend.payments.types import Intent, Outcome, PaymentMethod
from bot.context import Deps, Words
from bot.keyboards import page_button, rows
from bot.replies import answer

TOPUP_PREFIX: Final = "topup:"
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,15}")
# Telegram gives up on a payment that is not approved within ten seconds. Source: Bot API, answerPreCheckoutQuery.
_APPROVE_SECONDS: Final = 8
log = structlog.get_logger(__name__)


async def top_up(message: Message, command: CommandObject, deps: Deps, actor: Actor, words: Words) -> None:
    """Offer the ready amounts, each with its price, or the one that stands after the command."""
    _ = words.gettext
    ways = await deps.payments.chat.methods(actor)
    amounts = deps.payments.methods.limits.presets
    if command.args:
        try:
            amounts = (deps.payments.methods.read_amount(command.args),)
        except Invalid:
            await message.answer(_("Send an amount, such as /topup 25"))
            return
    buttons = [
        InlineKeyboardButton(
            text=joined([words.money(amount), _price(way, amount, words)], words.locale),
            callback_data=f"{TOPUP_PREFIX}{way.name}:{amount.amount}",
        )
        for way in ways.values()
        for amount in amounts
        if way.minimum <= amount <= way.maximum
    ]
    if buttons:
        text = _("Top up by:")
        more = page_button(deps, _("Another amount or way"), "/wallet/topup")
    elif command.args and ways:
        bounds = deps.payments.methods.limits
        text = _("You can top up from {least} to {most}.").format(
            least=words.money(bounds.minimum), most=words.money(bounds.maximum)
        )
        more = page_button(deps, _("Top up the wallet"), "/wallet/topup")
    else:
        text = _("Your wallet is topped up in the shop.")
        more = page_button(deps, _("Top up the wallet"), "/wallet/topup")
    await message.answer(text, reply_markup=rows(*buttons, more))


def _price(way: PaymentMethod, amount: Money, words: Words) -> str:
    return words.money(way.price(amount)) if way.asset == STARS else words.gettext("by card")


async def choose(query: CallbackQuery, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Begin the payment of the pressed amount, and send its invoice."""
    name, _, amount = (query.data or "").removeprefix(TOPUP_PREFIX).partition(":")
    way = (await deps.payments.chat.methods(actor)).get(name)
    if way is None or not _WHOLE.fullmatch(amount) or query.message is None:
        await answer(bot, query, words.gettext("This button is too old"))
        return
    try:
        wanted = Money(int(amount), deps.payments.methods.limits.minimum.currency)
        intent = await _begin(query, deps, actor, way, wanted)
    except Invalid:
        await answer(bot, query, words.gettext("This button is too old"))
        return
    await answer(bot, query)
    await _send(bot, deps, actor, intent, way)


async def _begin(query: CallbackQuery, deps: Deps, actor: Actor, way: PaymentMethod, amount: Money) -> Intent:
    """The payment of this button: a second tap is the same one, until it is paid or over."""
    assert query.message is not None
    key = f"chat:{query.message.chat.id}:{query.message.message_id}:{way.name}:{amount.amount}"
    intent = await deps.payments.intents.start_top_up(actor, way.name, amount, idempotency_key=key)
    if intent.is_open and intent.expires_at > deps.clock.now():
        return intent
    return await deps.payments.intents.start_top_up(actor, way.name, amount, idempotency_key=f"{key}:{query.id}")


async def _send(bot: Bot, deps: Deps, actor: Actor, intent: Intent, way: PaymentMethod) -> None:
    invoice = deps.payments.chat.invoice(actor, intent, way)
    await bot.send_invoice(
        actor.telegram_id,
        invoice.title,
        invoice.description,
        invoice.payload,
        invoice.currency,
        [LabeledPrice(label=invoice.title, amount=invoice.total)],
        provider_token=invoice.provider_token,
    )


async def approve(query: PreCheckoutQuery, deps: Deps) -> None:
    """Let Telegram take the money, or refuse: the door tells a refusal in the payer's language."""
    async with asyncio.timeout(_APPROVE_SECONDS):
        await _check(query, deps)
    await query.answer(ok=True)


async def _check(query: PreCheckoutQuery, deps: Deps) -> None:
    """Raises PaymentClosed for a payment that is over, another's or of another price, OrderNotPayable."""
    intent = await deps.payments.chat.approve(
        query.invoice_payload, query.total_amount, query.currency, query.from_user.id
    )
    if intent.order_id is not None and not await deps.orders.reservations.awaits_payment(intent.order_id):
        raise OrderNotPayable("its goods are not kept any more")


async def paid(message: Message, deps: Deps) -> None:
    """Take the money in; whatever fails here makes the update come again."""
    told = message.successful_payment
    assert told is not None
    outcome = await deps.payments.chat.paid(
        told.telegram_payment_charge_id,
        told.invoice_payload,
        Money(told.total_amount, told.currency),
        payer=message.from_user.id if message.from_user else None,
        until=told.subscription_expiration_date,
        renewal=bool(told.is_recurring and not told.is_first_recurring),
    )
    _note("paid", told.telegram_payment_charge_id, outcome)


async def refunded(message: Message, deps: Deps) -> None:
    """Note that money went back: our own refund is known, any other waits for an admin."""
    told = message.refunded_payment
    assert told is not None
    outcome = await deps.payments.chat.refunded(
        told.telegram_payment_charge_id,
        told.invoice_payload,
        Money(told.total_amount, told.currency),
        payer=message.from_user.id if message.from_user else None,
    )
    _note("refunded", told.telegram_payment_charge_id, outcome)


def _note(state: str, charge: str, outcome: Outcome) -> None:
    log.info("payment.told", charge=charge, state=state, outcome=outcome.value)


def router() -> Router:
    """Its router."""
    made = Router(name="payments")
    made.message.register(paid, F.successful_payment)
    made.message.register(refunded, F.refunded_payment)
    made.message.register(top_up, Command("topup"))
    made.callback_query.register(choose, F.data.startswith(TOPUP_PREFIX))
    made.pre_checkout_query.register(approve)
    return made
