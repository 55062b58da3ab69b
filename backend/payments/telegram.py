"""Payments by Telegram invoices: what the gateways (Bot API calls) and the bot (updates) share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from backend.infra.formatting import format_money, format_rate
from backend.infra.i18n import translator
from backend.kernel.money import STARS, Money
from backend.kernel.text import Locale
from backend.payments.types import IntentId, ProviderReport, ProviderState

STARS_METHOD: Final = "stars"
CARDS_METHOD: Final = "telegram_card"
# Source: Bot API, createInvoiceLink.
_LONGEST_TITLE: Final = 32
_LONGEST_DESCRIPTION: Final = 255


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """A Telegram invoice; ``total`` in the asset's minor units. Telegram returns ``payload`` with the payment."""

    title: str
    description: str
    payload: str
    currency: str
    total: int
    provider_token: str
    renews: bool = False
    """Whether Telegram charges it again every 30 days."""


def method_of(currency: str) -> str:
    """The payment method of a Telegram payment in ``currency``."""
    return STARS_METHOD if currency == STARS else CARDS_METHOD


def invoice_of(
    intent_id: IntentId,
    amount: Money,
    payable: Money,
    *,
    language: str,
    shop: str,
    title: str = "",
    unit_price: Decimal = Decimal(1),
    provider_token: str = "",
    renews: bool = False,
) -> Invoice:
    """The invoice of a payment: for the goods in ``title``, else for a top-up of ``amount``; in Stars with the rate."""
    locale = Locale.closest(language)
    _ = translator(locale).gettext
    total = format_money(amount, locale)
    rate = format_rate(unit_price, amount.currency, locale)
    if renews:
        stars = format_money(payable, locale)
        text = _("{goods} from {shop}. {price} every 30 days, until you cancel.").format(
            goods=title, shop=shop, price=stars
        )
    elif title and payable.currency == STARS:
        text = _("{goods} from {shop}. One Star counts as {rate}.").format(goods=title, shop=shop, rate=rate)
    elif title:
        text = _("{goods} from {shop}.").format(goods=title, shop=shop)
    elif payable.currency == STARS:
        text = _("{sum} for your wallet in {shop}. One Star counts as {rate}.").format(sum=total, shop=shop, rate=rate)
    else:
        text = _("{sum} for your wallet in {shop}.").format(sum=total, shop=shop)
    return Invoice(
        title=_cut(title or _("Top-up: {sum}").format(sum=total)),
        description=text[:_LONGEST_DESCRIPTION],
        payload=str(intent_id),
        currency=payable.currency,
        total=payable.amount,
        provider_token=provider_token,
        renews=renews,
    )


def _cut(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1].rstrip() + "…"


def intent_of(payload: str) -> IntentId | None:
    """The payment that an invoice's payload names; None for a payload of another shop."""
    try:
        return IntentId(UUID(payload))
    except ValueError:
        return None


def paid(
    charge_id: str,
    payload: str,
    total: Money,
    *,
    payer: int | None = None,
    until: int | None = None,
    renewal: bool = False,
) -> ProviderReport:
    """The report of one charge.

    ``until``: when the period of a subscription ends that it pays for (Unix seconds). Its charges name the payment
    that began it, and may share one id. ``renewal``: it is not the first one.
    """
    charge_id = _plain(charge_id)
    event_id = charge_id if until is None else f"{charge_id}:{until}"
    named = intent_of(payload)
    return ProviderReport(
        event_id=event_id,
        state=ProviderState.PAID,
        intent_id=named,
        external_id=event_id if named is None else None,
        received=total,
        charge_id=charge_id,
        sole_charge=True,
        until=None if until is None else datetime.fromtimestamp(until, UTC),
        renewal=renewal,
        details=_details(charge_id, payload, payer, renewal),
    )


def refunded(charge_id: str, payload: str, total: Money, *, payer: int | None = None) -> ProviderReport:
    """The report of a refunded charge; without a payload, ``charge_id`` names the payment."""
    charge_id = _plain(charge_id)
    return ProviderReport(
        event_id=f"{charge_id}:refund",
        state=ProviderState.REFUNDED,
        intent_id=intent_of(payload),
        refunded=total,
        charge_id=charge_id,
        sole_charge=True,
        details=_details(charge_id, payload, payer),
    )


def unreadable(key: str, kind: str, payload: str, payer: int | None = None) -> ProviderReport:
    """The report of an update about money that cannot be read: it becomes an unmatched event, for an admin."""
    event_id = f"unread:{_plain(key)}"
    return ProviderReport(
        event_id=event_id,
        state=ProviderState.FAILED,
        external_id=event_id,
        details=_details(_plain(key), payload, payer) | {"kind": kind},
    )


def _details(charge_id: str, payload: str, payer: int | None, renewal: bool = False) -> dict[str, str]:
    details = {"charge": charge_id, "payload": _plain(payload)}
    if payer is not None:
        details["payer"] = str(payer)
    return details | ({"renewal": "yes"} if renewal else {})


def _plain(text: str) -> str:
    """Drop NUL, which PostgreSQL cannot store."""
    return text.replace("\0", "")
