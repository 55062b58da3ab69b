"""Telegram Stars: whole Stars at the rate STAR_PRICE, rounded up; the bot's updates report payments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from math import floor
from typing import Final

from backend.infra.settings import Settings
from backend.infra.telegram.errors import Refused
from backend.kernel.money import STARS, Money, exponent
from backend.payments.errors import BadWebhook, RefundRefused, RenewalRefused
from backend.payments.gateways.telegram_api import MOST_TRANSACTIONS, StarTransaction, TelegramApi
from backend.payments.ports import ProviderKit, ProviderSpec
from backend.payments.telegram import STARS_METHOD, invoice_of, paid, refunded
from backend.payments.types import (
    ActionKind,
    Capabilities,
    Created,
    PayAction,
    PaymentRef,
    ProviderReport,
    ProviderState,
    Refunded,
)

# How much Telegram's clock and the shop's may differ.
_SKEW: Final = timedelta(minutes=5)
# Telegram refuses larger invoices; undocumented, measured by others.
_MOST: Final = 100_000
# Source: Bot API, createInvoiceLink, subscription_period.
_MOST_RENEWED: Final = 10_000
_ALREADY: Final = "CHARGE_ALREADY_REFUNDED"


class StarBook:
    """The bot's Star transactions, which Telegram lists from the oldest on; a day is found by bisection.

    Source: Bot API, getStarTransactions ("in chronological order"); the list only grows, so offsets stay valid.
    """

    def __init__(self, api: TelegramApi) -> None:
        self._api = api
        self._known = (0, 0)  # an offset, and the Unix second of the transaction there

    async def between(self, since: datetime, until: datetime | None = None) -> list[StarTransaction]:
        """The transactions of a period, the oldest first. Raises ProviderDown."""
        first = int(since.timestamp())
        last = None if until is None else int(until.timestamp())
        offset = await self._before(first)
        entries: list[StarTransaction] = []
        while True:
            page = await self._api.star_transactions(offset)
            entries += [entry for entry in page if entry.date >= first and (last is None or entry.date <= last)]
            if len(page) < MOST_TRANSACTIONS:
                return entries
            offset += len(page)

    async def _before(self, second: int) -> int:
        """An offset at most a page before the first transaction of ``second`` or later."""
        low = self._known[0] if self._known[1] < second else 0
        high: int | None = None
        step = MOST_TRANSACTIONS
        while high is None or high - low > MOST_TRANSACTIONS:
            probe = low + step if high is None else (low + high) // 2
            entries = await self._api.star_transactions(probe, 1)
            if entries and entries[0].date < second:
                low, step = probe, step * 2
                self._known = max(self._known, (probe, entries[0].date))
            else:
                high = probe
        return low


class StarsProvider:
    """Payments in Stars; one Star costs ``price`` major units of the shop's ``currency``."""

    name = STARS_METHOD

    def __init__(self, *, api: TelegramApi, price: Decimal, currency: str, shop: str) -> None:
        self._api = api
        self._book = StarBook(api)
        self._shop = shop
        self.capabilities = Capabilities(
            asset=STARS,
            unit_price=price,
            maximum=floor(_MOST * price * 10 ** exponent(currency)),
            refundable=True,
            partial_refunds=False,
            recurring=True,
            renewal_maximum=_MOST_RENEWED,
            wait_seconds=10,
            lifetime_seconds=1800,
            # The bot's updates report payments; polling finds lost ones.
            first_poll_seconds=15,
        )

    async def create(self, payment: PaymentRef) -> Created:
        """Create an invoice link; once one link of a payment is paid, pre-checkout refuses the others."""
        invoice = invoice_of(
            payment.intent_id,
            payment.amount,
            payment.payable,
            language=payment.language,
            shop=self._shop,
            title=payment.title,
            unit_price=self.capabilities.unit_price,
            renews=payment.recurring,
        )
        url = await self._api.create_link(invoice)
        return Created(url.rpartition("/")[2].lstrip("$"), PayAction(ActionKind.INVOICE, url=url))

    async def status(self, payment: PaymentRef) -> ProviderReport:
        """Look for the payment's charge in the bot's transactions."""
        payload = str(payment.renewal_of or payment.intent_id)
        for entry in await self._book.between(payment.created_at - _SKEW):
            report = _report(entry)
            if report is None or report.state is not ProviderState.PAID or report.details.get("payload") != payload:
                continue
            if payment.charge_id in {None, report.charge_id}:
                return report
        pending = f"{payment.intent_id}:pending"
        return ProviderReport(event_id=pending, state=ProviderState.PENDING, intent_id=payment.intent_id)

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Raises BadWebhook: Telegram reports to the bot."""
        raise BadWebhook("stars: no calls")

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Refund all Stars of the payment; an earlier refund of them counts. Raises RefundRefused, ProviderDown."""
        if payment.charge_id is None or amount != payment.received:
            raise RefundRefused(f"stars: {amount.amount} of {payment.received.amount}, charge {payment.charge_id}")
        try:
            await self._api.refund_stars(payment.payer_telegram_id, payment.charge_id)
        except Refused as error:
            if _ALREADY not in str(error):
                raise RefundRefused(f"stars: {error}") from error
        return Refunded(payment.charge_id)

    async def set_renewal(self, payment: PaymentRef, *, on: bool) -> None:
        """Stop the renewals, or allow the person to resume them in Telegram. Raises RenewalRefused, ProviderDown."""
        assert payment.charge_id is not None
        try:
            await self._api.edit_subscription(payment.payer_telegram_id, payment.charge_id, cancelled=not on)
        except Refused as error:
            raise RenewalRefused(f"stars: {error}") from error

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """Payments and refunds of the period and five minutes around it, since clocks differ."""
        entries = await self._book.between(since - _SKEW, until + _SKEW)
        return [report for report in map(_report, entries) if report is not None]


def _report(entry: StarTransaction) -> ProviderReport | None:
    """Report a transaction; None if it is no sale: a withdrawal, a gift from the bot, a reward."""
    if entry.amount <= 0:
        return None
    stars = Money(entry.amount, STARS)
    if entry.source is not None and entry.source.type == "user":
        partner = entry.source
        payer = partner.user.id if partner.user else None
        # It is not said when the period ends, nor which charge is the first one.
        until = entry.date + partner.subscription_period if partner.subscription_period else None
        return paid(entry.id, partner.invoice_payload, stars, payer=payer, until=until)
    if entry.receiver is not None and entry.receiver.transaction_type == "invoice_payment":
        partner = entry.receiver
        payer = partner.user.id if partner.user else None
        return refunded(entry.id, partner.invoice_payload, stars, payer=payer)
    return None


def _build(settings: Settings, kit: ProviderKit) -> StarsProvider:
    return StarsProvider(
        api=TelegramApi(settings, kit.http),
        price=Decimal(settings.star_price),
        currency=settings.shop_currency,
        shop=settings.shop_name,
    )


SPEC: Final = ProviderSpec(name=STARS_METHOD, needs=("STAR_PRICE",), build=_build, policy_risk=False)
