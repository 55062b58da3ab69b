"""Paying inside Telegram: /topup and its invoices, the question before a payment, and the events after it."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import structlog
from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import (
    BotSubscriptionUpdated,
    CallbackQuery,
    InlineKeyboardButton,
    LabeledPrice,
    Message,
    PreCheckoutQuery,
)

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
    """Offer the preset amounts, each with its price, or the amount given after the command."""
    _ = words.gettext
    methods = await deps.payments.chat.methods(actor)
    amounts = deps.payments.methods.limits.presets
    if command.args:
        try:
            amounts = (deps.payments.methods.read_amount(command.args),)
        except Invalid:
            await message.answer(_("Send an amount, such as /topup 25"))
            return
    buttons = [
        InlineKeyboardButton(
            text=joined([words.money(amount), _price(method, amount, words)], words.locale),
            callback_data=f"{TOPUP_PREFIX}{method.name}:{amount.amount}",
        )
        for method in methods.values()
        for amount in amounts
        if method.minimum <= amount <= method.maximum
    ]
    if buttons:
        text = _("Top up by:")
        more = page_button(deps, _("More options"), "/wallet/topup")
    elif command.args and methods:
        bounds = deps.payments.methods.limits
        text = _("You can top up from {least} to {most}.").format(
            least=words.money(bounds.minimum), most=words.money(bounds.maximum)
        )
        more = page_button(deps, _("Top up the wallet"), "/wallet/topup")
    else:
        text = _("Top up your balance in the shop.")
        more = page_button(deps, _("Top up the wallet"), "/wallet/topup")
    await message.answer(text, reply_markup=rows(*buttons, more))


def _price(method: PaymentMethod, amount: Money, words: Words) -> str:
    return words.money(method.price(amount)) if method.asset == STARS else words.gettext("by card")


async def choose(query: CallbackQuery, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Start a payment of the chosen amount, and send its invoice."""
    name, _, amount = (query.data or "").removeprefix(TOPUP_PREFIX).partition(":")
    method = (await deps.payments.chat.methods(actor)).get(name)
    if method is None or not _WHOLE.fullmatch(amount) or query.message is None:
        await answer(bot, query, words.gettext("This button is too old"))
        return
    try:
        chosen = Money(int(amount), deps.payments.methods.limits.minimum.currency)
        intent = await _begin(query, deps, actor, method, chosen)
    except Invalid:
        await answer(bot, query, words.gettext("This button is too old"))
        return
    await answer(bot, query)
    await _send(bot, deps, actor, intent, method)


async def _begin(query: CallbackQuery, deps: Deps, actor: Actor, method: PaymentMethod, amount: Money) -> Intent:
    """The payment of this button: a second tap uses the same one, until it is paid or has expired."""
    assert query.message is not None
    key = f"chat:{query.message.chat.id}:{query.message.message_id}:{method.name}:{amount.amount}"
    intent = await deps.payments.intents.start_top_up(actor, method.name, amount, idempotency_key=key)
    if intent.is_open and intent.expires_at > deps.clock.now():
        return intent
    return await deps.payments.intents.start_top_up(actor, method.name, amount, idempotency_key=f"{key}:{query.id}")


async def _send(bot: Bot, deps: Deps, actor: Actor, intent: Intent, method: PaymentMethod) -> None:
    invoice = deps.payments.chat.invoice(actor, intent, method)
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
    """Approve the payment or refuse it; a refusal is answered in the payer's language by ``door``."""
    async with asyncio.timeout(_APPROVE_SECONDS):
        await _check(query, deps)
    await query.answer(ok=True)


async def _check(query: PreCheckoutQuery, deps: Deps) -> None:
    """Raises PaymentClosed for an expired payment, another person's or one of another price; OrderNotPayable."""
    intent = await deps.payments.chat.approve(
        query.invoice_payload, query.total_amount, query.currency, query.from_user.id
    )
    if intent.subscription_id is not None:
        await deps.orders.subscriptions.check_payable(intent.subscription_id, intent.payable)
    elif intent.order_id is not None and not await deps.orders.reservations.awaits_payment(intent.order_id):
        raise OrderNotPayable("its goods are not reserved any more")


async def paid(message: Message, deps: Deps) -> None:
    """Credit the payment; if this fails, the update is handled again."""
    payment = message.successful_payment
    assert payment is not None
    outcome = await deps.payments.chat.paid(
        payment.telegram_payment_charge_id,
        payment.invoice_payload,
        Money(payment.total_amount, payment.currency),
        payer=message.from_user.id if message.from_user else None,
        until=payment.subscription_expiration_date,
        renewal=bool(payment.is_recurring and not payment.is_first_recurring),
    )
    _note("paid", payment.telegram_payment_charge_id, outcome)


async def subscription(changed: BotSubscriptionUpdated, deps: Deps) -> None:
    """Note that its person has cancelled or resumed a subscription in Telegram, or that a renewal has failed."""
    known = await deps.payments.renewals.note_state(changed.invoice_payload, changed.state, changed.user.id)
    log.info("subscription.told", state=changed.state, known=known)


async def refunded(message: Message, deps: Deps) -> None:
    """Record a refund: our own is known already, any other is left to an admin."""
    payment = message.refunded_payment
    assert payment is not None
    outcome = await deps.payments.chat.refunded(
        payment.telegram_payment_charge_id,
        payment.invoice_payload,
        Money(payment.total_amount, payment.currency),
        payer=message.from_user.id if message.from_user else None,
    )
    _note("refunded", payment.telegram_payment_charge_id, outcome)


def _note(state: str, charge: str, outcome: Outcome) -> None:
    log.info("payment.told", charge=charge, state=state, outcome=outcome.value)


def router() -> Router:
    """Its router."""
    routes = Router(name="payments")
    routes.message.register(paid, F.successful_payment)
    routes.message.register(refunded, F.refunded_payment)
    routes.subscription.register(subscription)
    routes.message.register(top_up, Command("topup"))
    routes.callback_query.register(choose, F.data.startswith(TOPUP_PREFIX))
    routes.pre_checkout_query.register(approve)
    return routes
