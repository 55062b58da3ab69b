"""Payments in Telegram chats: invoices, pre-checkout, and charges."""

from __future__ import annotations

from typing import Final

from backend.identity.types import Actor
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.money import STARS, Money
from backend.payments import telegram
from backend.payments.errors import PaymentClosed
from backend.payments.service.intents import IntentsService
from backend.payments.service.methods import MethodsService
from backend.payments.telegram import Invoice
from backend.payments.types import Intent, Outcome, PaymentMethod, ProviderReport

_METHODS: Final = (telegram.STARS_METHOD, telegram.CARDS_METHOD)


class ChatPaymentsService:
    """Handles the bot's payment updates; ``shop`` is the name on invoices."""

    def __init__(self, *, intents: IntentsService, methods: MethodsService, shop: str, provider_token: str) -> None:
        self._intents = intents
        self._methods = methods
        self._shop = shop
        self._provider_token = provider_token

    async def methods(self, actor: Actor) -> dict[str, PaymentMethod]:
        """The enabled payment methods that are paid by invoice in the chat, by name."""
        return {method.name: method for method in await self._methods.enabled(actor) if method.name in _METHODS}

    def invoice(self, actor: Actor, intent: Intent, method: PaymentMethod) -> Invoice:
        """The invoice of the actor's payment, in their language."""
        return telegram.invoice_of(
            intent.id,
            intent.amount,
            intent.payable,
            language=actor.language.value,
            shop=self._shop,
            title=intent.title,
            unit_price=method.unit_price,
            provider_token="" if method.asset == STARS else self._provider_token,
        )

    async def approve(self, payload: str, total: int, currency: str, payer_telegram_id: int) -> Intent:
        """Approve a pre-checkout: Telegram may charge ``total`` minor units for the payment now; the payment.

        Raises PaymentClosed if the payment has ended, is another person's, has another price, or is unknown.
        """
        intent_id = telegram.intent_of(payload)
        if intent_id is None:
            raise PaymentClosed("not a payment of ours")
        try:
            price = Money(total, currency)
            return await self._intents.approve(telegram.method_of(currency), intent_id, price, payer_telegram_id)
        except (NotFound, Invalid, OverflowError) as error:
            raise PaymentClosed(str(error)) from error

    async def paid(
        self,
        charge_id: str,
        payload: str,
        total: Money,
        *,
        payer: int | None = None,
        until: int | None = None,
        renewal: bool = False,
    ) -> Outcome:
        """Apply a charge. ``until``: when the subscription that it pays for ends (Unix seconds); ``renewal``: not its
        first charge."""
        report = telegram.paid(charge_id, payload, total, payer=payer, until=until, renewal=renewal)
        return await self._settle(report, total)

    async def refunded(self, charge_id: str, payload: str, total: Money, *, payer: int | None = None) -> Outcome:
        """Apply a refunded charge: a refund of this shop is known, any other becomes an unmatched event."""
        return await self._settle(telegram.refunded(charge_id, payload, total, payer=payer), total)

    async def unreadable(self, key: str, kind: str, payload: str, payer: int | None = None) -> Outcome:
        """Store an update about money that cannot be read as an unmatched event; ``key`` is unique to it."""
        return await self._intents.settle(telegram.STARS_METHOD, telegram.unreadable(key, kind, payload, payer))

    async def _settle(self, report: ProviderReport, total: Money) -> Outcome:
        return await self._intents.settle(telegram.method_of(total.currency), report)
