"""Money as whole minor units of one currency; nothing here knows a float."""

from __future__ import annotations

import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from backend.kernel.currencies import DECIMALS

CREDIT: Final = "CREDIT"
"""Reading credits: an asset of the ledger, counted in whole credits."""
STARS: Final = "XTR"
"""Telegram Stars, counted in whole Stars."""

USDT: Final = "USDT"

_OURS: Final[dict[str, int]] = {CREDIT: 0, STARS: 0, USDT: 6}
"""The decimals of assets that are no currency."""
_MAX_AMOUNT: Final = 2**63 - 1


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met."""


def exponent(currency: str) -> int:
    """Number of decimal digits of the currency's minor unit: by ISO 4217, and 2 for what neither it nor we know."""
    return DECIMALS.get(currency, _OURS.get(currency, 2))


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in minor units of ``currency`` (cents for USD, whole Stars for XTR).

    Raises CurrencyMismatch when two currencies meet, OverflowError beyond a BIGINT. It is not multiplied: a price is
    the business of orders' pricing.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:  # a bool is an int too
            raise TypeError("an amount is a whole number of minor units")
        if not -_MAX_AMOUNT <= self.amount <= _MAX_AMOUNT:
            raise OverflowError("the amount does not fit a BIGINT")

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __gt__(self, other: Money) -> bool:
        return other < self

    def __ge__(self, other: Money) -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.amount != 0

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in ``currency``."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Money from a decimal text in major units, such as ``"14.40"``.

        Raises ValueError for anything that is not a plain number with at most the currency's digits.
        """
        digits = text.strip()
        whole, dot, fraction = digits.removeprefix("-").partition(".")
        places = exponent(currency)
        plain = whole.isascii() and whole.isdigit() and fraction.isascii() and (not dot or fraction.isdigit())
        if not plain or len(fraction) > places or len(whole) > 18:
            raise ValueError(f"not an amount in {currency}")
        units = int(whole + fraction.ljust(places, "0"))
        return cls(-units if digits.startswith("-") else units, currency)

    @classmethod
    def searched(cls, text: str, currency: str) -> Money | None:
        """Parse a searched amount, such as ``$1,000`` or ``7,20 USD``; None where it is none."""
        plain = "".join(
            sign for sign in text.upper().replace(currency, "") if unicodedata.category(sign) not in {"Sc", "Zs"}
        )
        plain = plain.replace("٫", ".")  # the Arabic decimal sign
        for reading in (plain.replace(",", "."), plain.replace(",", "")):
            try:
                return cls.parse(reading, currency)
            except (ValueError, OverflowError):
                continue
        return None

    def decimal(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.amount).scaleb(-exponent(self.currency))

    def convert(self, rate: Decimal, currency: str) -> Money:
        """This money in another currency at ``rate`` (major units for one major unit), rounded half to even."""
        units = (self.decimal() * rate).scaleb(exponent(currency))
        return Money(int(units.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)), currency)
