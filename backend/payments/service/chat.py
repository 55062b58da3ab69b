"""Payments inside Telegram's chats: invoices, the question before a payment, and the news after it."""

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
    """What Telegram asks and tells the bot about payments; ``shop`` is the name that stands on an invoice."""

    def __init__(self, *, intents: IntentsService, methods: MethodsService, shop: str, provider_token: str) -> None:
        self._intents = intents
        self._methods = methods
        self._shop = shop
        self._provider_token = provider_token

    async def methods(self, actor: Actor) -> dict[str, PaymentMethod]:
        """The ways that are invoices in the chat and are on, by name."""
        return {method.name: method for method in await self._methods.enabled(actor) if method.name in _METHODS}

    def invoice(self, actor: Actor, intent: Intent, method: PaymentMethod) -> Invoice:
        """The invoice of the actor's payment, in his language."""
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
        """The payment that Telegram may take ``total`` minor units for now.

        Raises PaymentClosed for one that is over, another's, of another price, or none of ours.
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
        """Take a charge in. ``until``: when a subscription that it pays for ends (Unix seconds); ``renewal``: again."""
        report = telegram.paid(charge_id, payload, total, payer=payer, until=until, renewal=renewal)
        return await self._settle(report, total)

    async def refunded(self, charge_id: str, payload: str, total: Money, *, payer: int | None = None) -> Outcome:
        """Note that a charge went back: our own refund is known, any other waits for an admin."""
        return await self._settle(telegram.refunded(charge_id, payload, total, payer=payer), total)

    async def unreadable(self, key: str, kind: str, payload: str, payer: int | None = None) -> Outcome:
        """Keep news of money that nobody can read, among the unmatched payments; ``key`` tells one from the next."""
        return await self._intents.settle(telegram.STARS_METHOD, telegram.unreadable(key, kind, payload, payer))

    async def _settle(self, report: ProviderReport, total: Money) -> Outcome:
        return await self._intents.settle(telegram.method_of(total.currency), report)
