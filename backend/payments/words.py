"""Names of payment methods, and why a provider event was not applied; for pages and chat."""

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
    "unknown_payment": _("No matching payment."),
    "wrong_currency": _("The payment is in another currency."),
    "too_large": _("The amount is too large for one payment."),
    "refunded_elsewhere": _("The refund was made at the provider, not in this shop."),
    "refund_accepted": _("The refund made at the provider was accepted."),
    "credited_before": _("Already credited."),
    "refunded_before": _("This refund is already known."),
}
_PAID_AFTER_REFUND: Final = _("The payment was already refunded.")
_TOO_LATE: Final = _("Received too late to change anything.")


def method_title(method: str, words: Translator) -> str:
    """The payment method's name for people; made from ``method`` if it is not in METHODS."""
    return words.gettext(METHODS[method]) if method in METHODS else method.replace("_", " ").title()


def reason(code: str, words: Translator) -> str:
    """Why a provider event was not applied; an unknown code is shown as it is."""
    if code in _REASONS:
        return words.gettext(_REASONS[code])
    if code.startswith("paid_when_"):
        return words.gettext(_PAID_AFTER_REFUND)
    return words.gettext(_TOO_LATE) if code.endswith("_stays") else code.replace("_", " ")
