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


def _new_charge(world: World, persona: Persona, invoice: Invoice, first: Charge | None = None) -> Charge:
    period = invoice.subscription_period
    until = (first.subscription_until if first else None) or world.now()
    charge = Charge(
        id=f"stx{secrets.token_urlsafe(48)}",
        user_id=persona.id,
        slug=invoice.slug,
        payload=invoice.payload,
        currency=invoice.currency,
        amount=invoice.total_amount,
        date=world.now(),
        subscription_period=period,
        subscription_until=until + period if period else None,
        renewal_of=first.id if first else None,
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


def subscription_of(world: World, charge_id: str) -> Charge:
    """Return the first charge of a subscription, which holds its state; raises 400 for any other charge."""
    charge = world.data.charges.get(charge_id)
    if charge is None or not charge.subscription_period or charge.renewal_of is not None:
        raise bad_request("CHARGE_NOT_FOUND")
    return charge


def renew(world: World, charge_id: str, outcome: Outcome = "paid") -> PaymentResult:
    """Renew a subscription as Telegram does each period, without waiting for its end; "failed": no Stars are left.

    A renewal is a charge of its own, which says how long the subscription goes on; the first charge names the
    subscription. Raises 400 for an unknown charge, one without subscription, or one that was cancelled.
    """
    first = subscription_of(world, charge_id)
    if first.subscription_canceled:
        raise bad_request("SUBSCRIPTION_CANCELED")
    if outcome != "paid":
        _push_state(world, first, "failed")
        return PaymentResult("failed", error="There are not enough Stars.")
    invoice, persona = world.data.invoices[first.slug], world.data.personas[first.user_id]
    charge = _new_charge(world, persona, invoice, first)
    first.subscription_until = charge.subscription_until
    _announce(world, persona, invoice, charge, first=False)
    return PaymentResult("paid", charge_id=charge.id)


def cancel_renewals(world: World, charge_id: str, *, canceled: bool) -> None:
    """Cancel a subscription as its person does in Telegram's settings, or resume it there.

    Raises 400 for an unknown one, and for resuming one that the bot has cancelled.
    """
    first = subscription_of(world, charge_id)
    if not canceled and first.bot_canceled:
        raise bad_request("SUBSCRIPTION_CANCELED_BY_BOT")
    if first.subscription_canceled != canceled:
        first.subscription_canceled = canceled
        _push_state(world, first, "canceled" if canceled else "active")
    _show_state(world, first)


def cancel_by_bot(world: World, user_id: int, charge_id: str, *, canceled: bool) -> None:
    """Cancel a subscription as the bot does, or allow its person to resume it; raises 400 for another person's."""
    first = subscription_of(world, charge_id)
    if first.user_id != user_id:
        raise bad_request("CHARGE_NOT_FOUND")
    first.bot_canceled = canceled
    first.subscription_canceled = first.subscription_canceled or canceled
    _show_state(world, first)


def _push_state(world: World, first: Charge, state: str) -> None:
    user = msgspec.to_builtins(world.data.personas[first.user_id].user())
    payload = {"user": user, "invoice_payload": first.payload, "state": state}
    world.updates.push("subscription", payload, first.user_id)


def _show_state(world: World, first: Charge) -> None:
    """Let the pages draw the message of the first payment again: its buttons follow the state."""
    world.live.tell("message", chat_id=first.user_id)
    world.saved()


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
