"""A person pays: pre_checkout_query to the bot, its answer within ten seconds, then successful_payment."""

import secrets
from typing import Any, Literal

import msgspec

from bot.simulator.errors import bad_request
from bot.simulator.model import Charge, Invoice, Persona
from bot.simulator.state import World
from bot.simulator.telegram_types import InvoiceCard, Message, RefundedPayment, SuccessfulPayment

Outcome = Literal["paid", "failed", "cancelled"]


class PaymentResult(msgspec.Struct, omit_defaults=True):
    """How a payment ended: the status that invoice_closed carries, the charge, or why it failed."""

    status: Outcome
    charge_id: str | None = None
    error: str | None = None


def invoice_card(invoice: Invoice) -> InvoiceCard:
    """Return what a message shows of an invoice."""
    return InvoiceCard(
        title=invoice.title,
        description=invoice.description,
        start_parameter="",
        currency=invoice.currency,
        total_amount=invoice.total_amount,
    )


def _service_message(world: World, persona: Persona, reply_to: int | None, **content: Any) -> Message:
    return Message(
        message_id=world.new_message_id(),
        date=world.now(),
        chat=persona.chat(),
        from_user=persona.user(),
        reply_to_id=reply_to,
        **content,
    )


async def _pre_checkout(world: World, persona: Persona, invoice: Invoice) -> str | None:
    """Ask the bot whether the payment may go on; None for yes, else the words for the person."""
    query_id = world.expect_answer()
    world.updates.push(
        "pre_checkout_query",
        {
            "id": query_id,
            "from": msgspec.to_builtins(persona.user()),
            "currency": invoice.currency,
            "total_amount": invoice.total_amount,
            "invoice_payload": invoice.payload,
        },
        persona.id,
    )
    answer = await world.wait_for_answer(query_id, world.config.pre_checkout_seconds)
    world.answers.pop(query_id, None)  # from now on an answer is "too old"
    if answer is None:
        return "The seller did not answer in time. You were not charged."
    if not answer["ok"]:
        return str(answer["error_message"])
    return None


async def pay(world: World, persona: Persona, invoice: Invoice, outcome: Outcome) -> PaymentResult:
    """Play a payment to its end.

    "paid" asks the bot and pays where it agrees, "failed" is declined after the bot agreed, "cancelled" closes
    the sheet. The result's status is "failed" too where the bot refuses or stays silent.
    """
    if outcome == "cancelled":
        return PaymentResult("cancelled")
    refused = await _pre_checkout(world, persona, invoice)
    if refused is not None:
        return PaymentResult("failed", error=refused)
    if outcome == "failed":
        return PaymentResult("failed", error="The payment was declined. You were not charged.")
    charge = _new_charge(world, persona, invoice)
    _announce(world, persona, invoice, charge, first=True)
    return PaymentResult("paid", charge_id=charge.id)


def _new_charge(world: World, persona: Persona, invoice: Invoice) -> Charge:
    period = invoice.subscription_period
    charge = Charge(
        id=f"stx{secrets.token_urlsafe(48)}",
        user_id=persona.id,
        slug=invoice.slug,
        payload=invoice.payload,
        currency=invoice.currency,
        amount=invoice.total_amount,
        date=world.now(),
        subscription_period=period,
        subscription_until=world.now() + period if period else None,
    )
    world.data.charges[charge.id] = charge
    return charge


def _announce(world: World, persona: Persona, invoice: Invoice, charge: Charge, first: bool) -> None:
    if charge.currency == "XTR":
        partner = {
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": msgspec.to_builtins(persona.user()),
            "invoice_payload": charge.payload,
        }
        if charge.subscription_period:
            partner["subscription_period"] = charge.subscription_period
        world.data.transactions.append(
            {"id": charge.id, "amount": charge.amount, "date": world.now(), "source": partner}
        )
    recurring = bool(charge.subscription_period)
    payment = SuccessfulPayment(
        currency=charge.currency,
        total_amount=charge.amount,
        invoice_payload=charge.payload,
        telegram_payment_charge_id=charge.id,
        provider_payment_charge_id="" if charge.currency == "XTR" else f"sim_{secrets.token_hex(8)}",
        subscription_expiration_date=charge.subscription_until,
        is_recurring=recurring or None,
        is_first_recurring=(recurring and first) or None,
    )
    persona.started = True
    world.say(_service_message(world, persona, invoice.message_id, successful_payment=payment))


def renew(world: World, charge_id: str) -> PaymentResult:
    """Renew a subscription as Telegram does each period: a new successful_payment of the same charge.

    Raises 400 for an unknown charge, one without subscription, or one that was cancelled.
    """
    charge = world.data.charges.get(charge_id)
    if charge is None or not charge.subscription_period:
        raise bad_request("CHARGE_NOT_FOUND")
    if charge.subscription_canceled:
        raise bad_request("SUBSCRIPTION_CANCELED")
    invoice, persona = world.data.invoices[charge.slug], world.data.personas[charge.user_id]
    charge.subscription_until = (charge.subscription_until or world.now()) + charge.subscription_period
    _announce(world, persona, invoice, charge, first=False)
    return PaymentResult("paid", charge_id=charge.id)


def refund(world: World, user_id: int, charge_id: str) -> None:
    """Refund Stars; raises 400 for an unknown charge, another person's, or one refunded already."""
    charge = world.data.charges.get(charge_id)
    if charge is None or charge.user_id != user_id or charge.currency != "XTR":
        raise bad_request("CHARGE_NOT_FOUND")
    if charge.refunded:
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    charge.refunded = True
    persona = world.data.personas[user_id]
    partner = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": msgspec.to_builtins(persona.user()),
        "invoice_payload": charge.payload,
    }
    world.data.transactions.append({"id": charge.id, "amount": charge.amount, "date": world.now(), "receiver": partner})
    refunded = RefundedPayment(
        currency=charge.currency,
        total_amount=charge.amount,
        invoice_payload=charge.payload,
        telegram_payment_charge_id=charge.id,
    )
    world.say(_service_message(world, persona, None, refunded_payment=refunded))


def balance(world: World) -> int:
    """Return the bot's whole Stars: what came in less what was refunded."""
    return sum(entry["amount"] * (1 if "source" in entry else -1) for entry in world.data.transactions)
