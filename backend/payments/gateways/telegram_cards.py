"""Cards through Telegram: a provider token from @BotFather, the shop's currency; the bot's updates report payments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from backend.infra.settings import Settings, SettingsError
from backend.kernel.money import Money, exponent
from backend.payments.errors import BadWebhook, RefundRefused
from backend.payments.gateways.telegram_api import TelegramApi
from backend.payments.ports import ProviderKit, ProviderSpec
from backend.payments.telegram import CARDS_METHOD, invoice_of
from backend.payments.types import ActionKind, Capabilities, Created, PayAction, PaymentRef, ProviderReport, Refunded

# Telegram's own digits after the point, where they are not 2. Source: Telegram for Android,
# LocaleController.formatCurrencyString, which shows what currencies.json (core.telegram.org/bots/payments) says in exp.
_DIGITS: Final = {
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "BIF": 0, "CLP": 0, "CVE": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "MGA": 0, "PYG": 0,
    "RWF": 0, "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip
# Telegram accepts about $1 to $10,000 at the day's rate, which is exact only for these currencies.
# Source: core.telegram.org/bots/payments, "Supported currencies".
_BOUNDS: Final = {"USD": (100, 1_000_000)}


class CardsProvider:
    """Payments that Telegram passes to the provider of ``token``; refunds are made at that provider."""

    name = CARDS_METHOD

    def __init__(self, *, api: TelegramApi, token: str, currency: str, shop: str) -> None:
        self._api = api
        self._token = token
        self._shop = shop
        least, most = _BOUNDS.get(currency, (1, None))
        self.capabilities = Capabilities(
            currencies=frozenset({currency}),
            minimum=least,
            maximum=most,
            reconcilable=False,
            wait_seconds=30,
            lifetime_seconds=1800,
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
            provider_token=self._token,
        )
        url = await self._api.create_link(invoice)
        return Created(url.rpartition("/")[2].lstrip("$"), PayAction(ActionKind.INVOICE, url=url))

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        """None: the Bot API cannot be asked."""
        return None

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Raises BadWebhook: Telegram reports to the bot."""
        raise BadWebhook("telegram_card: no calls")

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Raises RefundRefused: the Bot API cannot refund; the provider's own dashboard can."""
        raise RefundRefused("telegram_card: the Bot API cannot refund")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """None: the Bot API has no list."""
        return None


def _build(settings: Settings, kit: ProviderKit) -> CardsProvider:
    currency = settings.shop_currency
    if _DIGITS.get(currency, 2) != exponent(currency):
        # Some of the shop's amounts could not be written in Telegram's units.
        raise SettingsError(f"TELEGRAM_PROVIDER_TOKEN: Telegram counts {currency} in other units than this shop")
    return CardsProvider(
        api=TelegramApi(settings, kit.http),
        token=settings.telegram_provider_token,
        currency=currency,
        shop=settings.shop_name,
    )


SPEC: Final = ProviderSpec(name=CARDS_METHOD, needs=("TELEGRAM_PROVIDER_TOKEN",), build=_build)
