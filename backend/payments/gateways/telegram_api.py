"""The Bot API's methods for payments."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from backend.infra.settings import Settings
from backend.infra.telegram.client import Method, Telegram
from backend.infra.telegram.errors import Refused, TelegramDown, TooManyRequests
from backend.payments.errors import ProviderBusy, ProviderDown
from backend.payments.ports import Http
from backend.payments.telegram import Invoice
from backend.payments.types.providers import PERIOD

_T = TypeVar("_T")
MOST_TRANSACTIONS: Final = 100
"""The largest page of getStarTransactions."""
_WAIT_SECONDS: Final = 15.0


class Person(msgspec.Struct, frozen=True):
    """A Telegram account."""

    id: int


class Partner(msgspec.Struct, frozen=True):
    """The other side of a transaction: ``user`` and more only where ``type`` is "user"."""

    type: str
    transaction_type: str = ""
    user: Person | None = None
    invoice_payload: str = ""
    subscription_period: int | None = None


class StarTransaction(msgspec.Struct, frozen=True):
    """Stars received (``source``) or sent (``receiver``); ``date`` in Unix seconds. A refund has its payment's id."""

    id: str
    amount: int
    date: int
    source: Partner | None = None
    receiver: Partner | None = None


class StarTransactions(msgspec.Struct, frozen=True):
    """A page of the bot's transactions, the oldest first."""

    transactions: list[StarTransaction]


class LabeledPrice(msgspec.Struct, frozen=True):
    """A part of a price, in the currency's smallest units."""

    label: str
    amount: int


class CreateInvoiceLink(Method[str], frozen=True):
    """Create the URL of an invoice."""

    title: str
    description: str
    payload: str
    currency: str
    provider_token: str
    prices: list[LabeledPrice]
    subscription_period: int | None = None


class RefundStarPayment(Method[bool], frozen=True):
    """Refund all Stars of a payment."""

    user_id: int
    telegram_payment_charge_id: str


class EditUserStarSubscription(Method[bool], frozen=True):
    """Stop a subscription from renewing itself, or allow its person to resume it."""

    user_id: int
    telegram_payment_charge_id: str
    is_canceled: bool


class GetStarTransactions(Method[StarTransactions], frozen=True):
    """List the bot's transactions from the ``offset``-th on."""

    offset: int
    limit: int


class TelegramApi:
    """Bot API calls of the configured bot."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._telegram = Telegram(settings.telegram_api_url, settings.bot_token, http)

    async def create_link(self, invoice: Invoice) -> str:
        """Create the URL of an invoice. Raises ProviderDown."""
        method = CreateInvoiceLink(
            title=invoice.title,
            description=invoice.description,
            payload=invoice.payload,
            currency=invoice.currency,
            provider_token=invoice.provider_token,
            prices=[LabeledPrice(invoice.title, invoice.total)],
            subscription_period=int(PERIOD.total_seconds()) if invoice.renews else None,
        )
        try:
            return await self._call(method)
        except Refused as error:
            # A wrong provider token, an amount out of bounds: nothing that the buyer can fix.
            raise ProviderDown(str(error)) from error

    async def refund_stars(self, user_id: int, charge_id: str) -> None:
        """Refund all Stars of a payment. Raises Refused, ProviderDown."""
        await self._call(RefundStarPayment(user_id, charge_id))

    async def edit_subscription(self, user_id: int, charge_id: str, *, cancelled: bool) -> None:
        """Stop the renewals of a subscription, or allow them again; its first charge names it.

        Raises Refused, ProviderDown.
        """
        await self._call(EditUserStarSubscription(user_id, charge_id, cancelled))

    async def star_transactions(self, offset: int, limit: int = MOST_TRANSACTIONS) -> list[StarTransaction]:
        """The bot's transactions from the ``offset``-th on, the oldest first. Raises ProviderDown."""
        try:
            page = await self._call(GetStarTransactions(offset, limit))
        except Refused as error:
            raise ProviderDown(str(error)) from error
        return page.transactions

    async def _call(self, method: Method[_T]) -> _T:
        try:
            return await self._telegram.call(method, seconds=_WAIT_SECONDS)
        except TooManyRequests as error:
            raise ProviderBusy(str(error)) from error
        except TelegramDown as error:
            raise ProviderDown(str(error)) from error
