"""What ways to pay are called, and why news came to nothing: the same words on the pages and in the chat."""

from __future__ import annotations

from typing import Final

from backend.infra.i18n import Translator
from backend.infra.i18n import mark as _

METHODS: Final = {
    "stars": _("Telegram Stars"),
    "crypto_pay": "Crypto Pay",
    "usdt_tron": _("USDT on TRON"),
    "usdt_ton": _("USDT on TON"),
    "usdt_evm": _("USDT on EVM"),
    "telegram_card": _("Card, in Telegram"),
    "stripe": _("Card"),
    "paypal": "PayPal",
    "deposit": _("Bank transfer"),
    "demo": _("Demo payment"),
}
_REASONS: Final = {
    "unknown_payment": _("We know no payment that it could belong to."),
    "wrong_currency": _("It came in another currency than the payment asks for."),
    "too_large": _("It is more than the books take at once."),
    "refunded_elsewhere": _("It was paid back at the provider, and not from here."),
    "refund_accepted": _("The refund made at the provider was accepted."),
    "credited_before": _("This money was counted before."),
    "refunded_before": _("This refund was known."),
}
_PAID_AFTERWARDS: Final = _("It came for a payment that had gone back already.")
_TOO_LATE: Final = _("It came too late to change anything.")


def method_title(method: str, words: Translator) -> str:
    """What a way to pay is called; one that has no words, by its name."""
    return words.gettext(METHODS[method]) if method in METHODS else method.replace("_", " ").title()


def reason(code: str, words: Translator) -> str:
    """Why a provider's message came to nothing, in plain words; a provider's own code stands as it is."""
    if code in _REASONS:
        return words.gettext(_REASONS[code])
    if code.startswith("paid_when_"):
        return words.gettext(_PAID_AFTERWARDS)
    return words.gettext(_TOO_LATE) if code.endswith("_stays") else code.replace("_", " ")
