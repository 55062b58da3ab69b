"""Numbers and amounts as people type them: one reading, or none."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

from babel.numbers import get_currency_symbol

from backend.kernel.money import Money, exponent
from backend.kernel.text import Locale, ascii_digits, visible

_DECIMAL: Final = "\u066b"
"""The decimal sign of Arabic, which is nothing else."""
_GROUPS: Final = re.compile("[\u066c'\u2019\\s]")
"""Signs that only ever stand between thousands."""
_SIGNS: Final = {
    "RUB": {"руб", "руб.", "р", "р."},
    "TRY": {"₺", "tl"},
    "INR": {"₹"},
    "UAH": {"₴"},
    "KZT": {"₸"},
    "USDT": {"₮"},
    "XTR": {"⭐", "★"},
}
"""What people write beside amounts, where CLDR's symbols in our languages do not say it."""


def decimal_text(text: str, most_decimals: int) -> str:
    """The plain number (``1234.5``) in what a person typed: ``1,234.50``, ``1.234,5``, ``1 234,5``, ``١٬٢٣٤٫٥``.

    Raises ValueError where it says nothing, or could say two things: ``1.000`` is a thousand to some and one to others.
    """
    plain = ascii_digits(visible(text).strip()).replace("\u2212", "-")
    sign = "-" if plain.startswith("-") else ""
    plain = _GROUPS.sub(" ", plain.removeprefix("-"))
    if _DECIMAL in plain:
        # What stands beside it can only separate thousands.
        plain = plain.replace(".", " ").replace(",", " ").replace(_DECIMAL, ".")
    elif "." in plain and "," in plain:
        last = max(plain.rfind("."), plain.rfind(","))
        other = "," if plain[last] == "." else "."
        plain = plain.replace(other, " ").replace(plain[last], ".")
    elif "," in plain:
        plain = _with_commas(plain, most_decimals)
    elif "." in plain:
        plain = _with_points(plain, most_decimals)
    whole, point, fraction = plain.partition(".")
    groups = whole.split(" ")
    grouped = len(groups) == 1 or (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]))
    digits = "".join(groups)
    good = grouped and digits.isdigit() and digits.isascii() and (not point or fraction.isdigit())
    if not good or len(fraction) > most_decimals:
        raise ValueError("not a number with one reading")
    return sign + digits + point + fraction


def _with_commas(text: str, most_decimals: int) -> str:
    """Text whose only separators are commas: thousands (``1,000``) or a decimal comma (``2,5``)."""
    first, *groups = text.split(",")
    thousands = 1 <= len(first) <= 3 and not first.startswith("0") and all(len(group) == 3 for group in groups)
    if len(groups) == 1 and not (thousands and most_decimals < 3):
        if thousands:
            raise ValueError("a thousand, or one and no thousandths")
        return text.replace(",", ".")
    return text.replace(",", " ")


def _with_points(text: str, most_decimals: int) -> str:
    """Text whose only separators are points: a decimal point (``2.5``), or thousands where there are several."""
    return text if text.count(".") == 1 else text.replace(".", " ")


@functools.cache
def _names(currency: str) -> frozenset[str]:
    """What may stand beside an amount in ``currency``, in small letters."""
    symbols = {get_currency_symbol(currency, str(locale)) for locale in Locale}
    # CA$ is written $ by those who pay in it.
    symbols |= {symbol[-1] for symbol in symbols if unicodedata.category(symbol[-1]) == "Sc"}
    return frozenset(visible(name).strip().lower() for name in {currency, *symbols, *_SIGNS.get(currency, ())})


def amount(text: str, currency: str) -> Money:
    """An amount in ``currency`` as a person typed it, in the digits of any script, with or without its sign.

    ``$40``, ``40 USD``, ``1,000`` and ``٢٥٫٥`` are understood. Raises ValueError for what has no single reading,
    OverflowError beyond a BIGINT.
    """
    plain = visible(text).strip()
    sign = ""
    if plain[:1] in {"-", "\u2212"}:
        sign, plain = "-", plain[1:].strip()
    for name in sorted(_names(currency), key=len, reverse=True):
        if plain.lower().startswith(name):
            plain = plain[len(name) :].strip()
            break
        if plain.lower().endswith(name):
            plain = plain[: -len(name)].strip()
            break
    return Money.parse(sign + decimal_text(plain, exponent(currency)), currency)
