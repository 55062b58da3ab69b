"""Stripe's currencies and the units in which it wants amounts. Source: https://docs.stripe.com/currencies."""

from __future__ import annotations

from typing import Final

from backend.kernel.money import Money
from backend.payments.gateways import reading

_ZERO: Final = reading.codes("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF")
_THREE: Final = reading.codes("BHD JOD KWD OMR TND")
# Whole units only, but written with two decimals, for older integrations.
_WHOLE_OF_TWO: Final = frozenset({"ISK", "UGX"})
CURRENCIES: Final = (
    reading.codes(
        """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC CVE CZK
        DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LAK
        LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN
        QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST XCD YER
        ZAR ZMW
        """
    )
    | _ZERO
    | _THREE
    | _WHOLE_OF_TWO
)
"""The currencies that Stripe charges in."""
_MINIMUM: Final = {
    "AED": "2", "AUD": "0.50", "BRL": "0.50", "CAD": "0.50", "CHF": "0.50", "CZK": "15", "DKK": "2.50", "EUR": "0.50",
    "GBP": "0.30", "HKD": "4", "HUF": "175", "INR": "0.50", "JPY": "50", "MXN": "10", "MYR": "2", "NOK": "3",
    "NZD": "0.50", "PLN": "2", "RON": "2", "SEK": "3", "SGD": "0.50", "THB": "10", "USD": "0.50",
}  # fmt: skip
_MOST_UNITS: Final = 99_999_999


def _form(currency: str) -> tuple[int, int]:
    """The decimals of an amount, and the step that it must be a multiple of."""
    if currency in _ZERO:
        return 0, 1
    if currency in _THREE:
        return 3, 10
    return 2, 100 if currency in _WHOLE_OF_TWO else 1


def to_stripe(money: Money) -> int:
    """``money`` in Stripe's units, rounded up if Stripe's smallest step is coarser."""
    return reading.to_units(money, *_form(money.currency))


def from_stripe(units: int, currency: str) -> Money:
    """An amount in Stripe's units as money. Raises OverflowError."""
    return reading.from_units(units, _form(currency)[0], currency)


def exactly(money: Money) -> int | None:
    """``money`` in Stripe's units; None if they are too coarse."""
    return reading.exact_units(money, *_form(money.currency))


def minimum(currency: str) -> int:
    """Stripe's smallest charge, in minor units; 1 if it states none."""
    return Money.parse(_MINIMUM[currency], currency).amount if currency in _MINIMUM else 1


def most(currency: str) -> int:
    """Stripe's largest charge, in minor units."""
    places, step = _form(currency)
    return reading.from_units(_MOST_UNITS - _MOST_UNITS % step, places, currency).amount
