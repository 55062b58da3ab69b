"""Cards through Telegram: a provider's token from @BotFather, the shop's currency, news with the bot's updates."""

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
# Telegram takes what is worth about $1 to $10,000, by the day's rate; of these currencies that can be said here.
# Source: core.telegram.org/bots/payments, "Supported currencies".
_BOUNDS: Final = {"USD": (100, 1_000_000)}


class CardsProvider:
    """Payments that Telegram hands to the provider of ``token``; what went wrong is mended at the provider's."""

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
        """An invoice's link; a second one for the same payment is refused at pre-checkout once the first is paid."""
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
        """None: the Bot API has no such question."""
        return None

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Raises BadWebhook: Telegram speaks to the bot, nobody speaks here."""
        raise BadWebhook("telegram_card: no calls")

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Raises RefundRefused: the Bot API cannot; the provider's own page can."""
        raise RefundRefused("telegram_card: not by the Bot API")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """None: the Bot API has no such list."""
        return None


def _build(settings: Settings, kit: ProviderKit) -> CardsProvider:
    currency = settings.shop_currency
    if _DIGITS.get(currency, 2) != exponent(currency):
        # Its amounts here could not all be told to Telegram.
        raise SettingsError(f"TELEGRAM_PROVIDER_TOKEN: Telegram counts {currency} in other units than this shop")
    return CardsProvider(
        api=TelegramApi(settings, kit.http),
        token=settings.telegram_provider_token,
        currency=currency,
        shop=settings.shop_name,
    )


SPEC: Final = ProviderSpec(name=CARDS_METHOD, needs=("TELEGRAM_PROVIDER_TOKEN",), build=_build)
