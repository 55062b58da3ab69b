"""Bot API methods on payments: invoices, pre-checkout, refunds, Star transactions, subscriptions."""

import secrets
from typing import Any

from bot.simulator import payments
from bot.simulator.errors import STALE_QUERY, bad_request
from bot.simulator.methods_messages import Handler
from bot.simulator.model import Invoice
from bot.simulator.outgoing import post
from bot.simulator.params import Params
from bot.simulator.state import World

_SUBSCRIPTION_SECONDS = 2592000
_MAX_SUBSCRIPTION_STARS = 10000


def _length(params: Params, name: str, most: int, code: str) -> str:
    value = params.text(name)
    size = len(value.encode()) if name == "payload" else len(value)
    if not 1 <= size <= most:
        raise bad_request(code)
    return value


def _total(params: Params, stars: bool) -> int:
    prices = params.json("prices")
    if not isinstance(prices, list) or not prices:
        raise bad_request("can't parse prices JSON object")
    total = 0
    for price in prices:
        if not isinstance(price, dict) or not price.get("label"):
            raise bad_request('can\'t parse labeled price: Field "label" must be of type String')
        if not isinstance(price.get("amount"), int):
            raise bad_request('can\'t parse labeled price: Field "amount" must be a valid Number')
        total += int(price["amount"])
    if stars and len(prices) != 1:
        raise bad_request("STARS_INVOICE_INVALID")
    if total <= 0:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    return total


def _new_invoice(world: World, params: Params) -> Invoice:
    currency = params.text("currency")
    stars = currency == "XTR"
    if not stars and (len(currency) != 3 or not currency.isupper()):
        raise bad_request("CURRENCY_INVALID")
    if stars and params.text("provider_token"):
        raise bad_request("STARS_INVOICE_INVALID")
    if not stars and not params.text("provider_token"):
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    period = params.integer("subscription_period")
    total = _total(params, stars)
    if period and (period != _SUBSCRIPTION_SECONDS or not stars or total > _MAX_SUBSCRIPTION_STARS):
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    invoice = Invoice(
        slug=secrets.token_urlsafe(16),
        title=_length(params, "title", 32, "INVOICE_TITLE_INVALID"),
        description=_length(params, "description", 255, "INVOICE_DESCRIPTION_INVALID"),
        payload=_length(params, "payload", 128, "INVOICE_PAYLOAD_INVALID"),
        currency=currency,
        total_amount=total,
        photo_url=params.text("photo_url") or None,
        subscription_period=period or None,
    )
    world.data.invoices[invoice.slug] = invoice
    world.saved()
    return invoice


async def create_invoice_link(world: World, params: Params) -> str:
    """createInvoiceLink; Stars need one price and no provider token."""
    return f"https://t.me/${_new_invoice(world, params).slug}"


async def send_invoice(world: World, params: Params) -> Any:
    """sendInvoice: without a keyboard the message gets its own Pay button."""
    chat = world.destination(params.raw("chat_id"))
    keyboard = params.object("reply_markup")
    if keyboard and not (keyboard.get("inline_keyboard") or [[{}]])[0][0].get("pay"):
        raise bad_request("first button of an invoice message must be a Pay button")
    invoice = _new_invoice(world, params)
    message = post(world, params, chat, invoice=payments.invoice_card(invoice))
    if message.reply_markup is None:
        price = f"⭐ {invoice.total_amount}" if invoice.currency == "XTR" else invoice.currency
        message.reply_markup = {"inline_keyboard": [[{"text": f"Pay {price}", "pay": True}]]}
    invoice.message_id = message.message_id
    world.put_message(message)
    return world.message_json(message)


async def answer_pre_checkout_query(world: World, params: Params) -> bool:
    """answerPreCheckoutQuery; raises 400 for an unknown id or one older than ten seconds."""
    query_id = params.text("pre_checkout_query_id")
    if query_id not in world.answers:
        raise bad_request(STALE_QUERY)
    accepted = params.flag("ok")
    if not accepted and not params.text("error_message"):
        raise bad_request("PAYMENT_ERROR_MESSAGE_EMPTY")
    world.answers[query_id] = {"ok": accepted, "error_message": params.text("error_message")}
    world.answered.set()
    return True


async def refund_star_payment(world: World, params: Params) -> bool:
    """refundStarPayment."""
    payments.refund(world, params.integer("user_id"), params.text("telegram_payment_charge_id"))
    return True


async def get_star_transactions(world: World, params: Params) -> dict[str, Any]:
    """getStarTransactions: oldest first, at most 100."""
    offset, limit = params.integer("offset"), params.integer("limit", 100)
    if offset < 0 or not 1 <= limit <= 100:
        raise bad_request("invalid offset or limit specified")
    return {"transactions": world.data.transactions[offset : offset + limit]}


async def get_my_star_balance(world: World, params: Params) -> dict[str, int]:
    """getMyStarBalance."""
    return {"amount": payments.balance(world)}


async def edit_user_star_subscription(world: World, params: Params) -> bool:
    """editUserStarSubscription: cancel a subscription, or allow its person to resume it; its first charge names it."""
    charge_id = params.text("telegram_payment_charge_id")
    payments.cancel_by_bot(world, params.integer("user_id"), charge_id, canceled=params.flag("is_canceled"))
    return True


METHODS: dict[str, Handler] = {
    "createInvoiceLink": create_invoice_link,
    "sendInvoice": send_invoice,
    "answerPreCheckoutQuery": answer_pre_checkout_query,
    "refundStarPayment": refund_star_payment,
    "getStarTransactions": get_star_transactions,
    "getMyStarBalance": get_my_star_balance,
    "editUserStarSubscription": edit_user_star_subscription,
}
