"""One cell of a file each: text in, a checked value out."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
import zlib
from collections.abc import Callable, Collection
from typing import Any, Final

from babel import Locale as BabelLocale

from backend.catalog.types import HUES
from backend.catalog.types.imports import ProblemCode
from backend.kernel.money import Money, exponent
from backend.kernel.text import visible, whole_number

MAX_KEY: Final = 1024
MAX_AMOUNT: Final = 10**12
"""The highest price of one, in minor units: a thousand of them are still one transfer."""
_MAX_SLUG: Final = 64
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Territories that CLDR names and ISO 3166-1 does not assign.
_NOT_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
_YES: Final = frozenset({"yes", "true", "1", "y"})
_NO: Final = frozenset({"no", "false", "0", "n", ""})
_MAX_TAGS: Final = 10
_MAX_TAG: Final = 30
_MAX_STEPS: Final = 10
_LONGEST_NUMBER: Final = 20  # more is out of every range, whatever follows
_ROUNDED: Final = 18
# A column that is too narrow, and what a formula says that fails.
_ERROR_VALUE: Final = re.compile(r"#{3,}|#[^\W\d_][\w/ ]*[!?]|#N/A|#Н/Д|#GETTING_DATA")
_SPREADSHEET: Final = re.compile(
    _ERROR_VALUE.pattern + r"|[+-]?\d[.,]\d+[eE][+-]?\d+|[+-]?\d+[eE][+-]\d+"  # numbers in scientific notation
    r"|=.*"  # formulas
)

_QUOTED: Final = re.compile(r"'+[=+\-@\t\r\n]")
"""What a spreadsheet is kept from running, or a text that looks as if it were."""


class FieldError(ValueError):
    """The cell holds no such value."""

    def __init__(self, code: ProblemCode) -> None:
        super().__init__(code)
        self.code = code


Parser = Callable[[str], Any]


def as_text(value: Any, parser: Parser | None = None) -> str:
    """The text of a cell, whether it came from CSV or JSON; digits as they were written.

    A switch of JSON is text for a column of switches alone, a list for one of tags. Raises FieldError for the rest.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) and parser is yes_or_no:
        return "yes" if value else "no"
    if isinstance(value, list) and parser is tags and all(isinstance(item, str) for item in value):
        return ";".join(value)
    raise FieldError(ProblemCode.NOT_TEXT)


def slug(text: str, longest: int = _MAX_SLUG) -> str:
    """A name for addresses: small Latin letters, digits, single hyphens between them."""
    if len(text) > longest:
        raise FieldError(ProblemCode.TOO_LONG)
    if not _SLUG.fullmatch(text):
        raise FieldError(ProblemCode.BAD_SLUG)
    return text


def is_slug(text: str) -> bool:
    """Whether anything could be called so in an address."""
    return len(text) <= _MAX_SLUG and _SLUG.fullmatch(text) is not None


def words(longest: int) -> Parser:
    """One line of text for people."""

    def parse(text: str) -> str:
        if len(text) > longest:
            raise FieldError(ProblemCode.TOO_LONG)
        if any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for sign in text):
            raise FieldError(ProblemCode.BAD_TEXT)
        if _ERROR_VALUE.fullmatch(text) or "\ufffd" in text:
            raise FieldError(ProblemCode.SPREADSHEET_ERROR)
        return text

    return parse


def markdown(longest: int) -> Parser:
    """Several lines of text."""

    def parse(text: str) -> str:
        text = text.replace("\r\n", "\n")
        if len(text) > longest:
            raise FieldError(ProblemCode.TOO_LONG)
        if any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in text):
            raise FieldError(ProblemCode.BAD_TEXT)
        return text

    return parse


def key(text: str, *, as_is: bool = False) -> str:
    """A stock key: one line, without invisible marks, its spaces plain; ``as_is`` keeps it exactly as it is written.

    Raises FieldError, without ``as_is`` also for what a spreadsheet made of a key.
    """
    text = text if as_is else canonical_key(text)
    if not canonical_key(text):
        raise FieldError(ProblemCode.REQUIRED)
    if len(text) > MAX_KEY:
        raise FieldError(ProblemCode.TOO_LONG)
    if any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for sign in text):
        raise FieldError(ProblemCode.BAD_TEXT)
    if not as_is and is_spreadsheet_error(text):
        raise FieldError(ProblemCode.SPREADSHEET_ERROR)
    return text


def canonical_key(text: str) -> str:
    """The key by which it is recognised: the same with and without invisible marks, however its spaces are coded."""
    if text.isascii():
        return text
    plain = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in visible(text))
    return unicodedata.normalize("NFC", plain).strip()


def is_spreadsheet_error(text: str) -> bool:
    """Whether a spreadsheet, or a wrong encoding, has put this in a key's place: #NAME?, ########, 1.23E+15, =A1."""
    # Excel keeps fifteen digits; of a longer number the rest becomes zeros.
    rounded = len(text) >= _ROUNDED and text.isascii() and text.isdigit() and not text[15:].strip("0")
    return rounded or _SPREADSHEET.fullmatch(text) is not None or "\ufffd" in text


def number(lowest: int, highest: int) -> Parser:
    """A whole number."""

    def parse(text: str) -> int:
        try:
            value = whole_number(text[:_LONGEST_NUMBER], most_digits=_LONGEST_NUMBER)
        except ValueError:
            raise FieldError(ProblemCode.NOT_A_NUMBER) from None
        if not lowest <= value <= highest:
            raise FieldError(ProblemCode.OUT_OF_RANGE)
        return value

    return parse


def optional(parser: Parser) -> Parser:
    """Nothing, or what ``parser`` makes of it."""
    return lambda text: parser(text) if text else None


def choice(values: Collection[str]) -> Parser:
    """One of a few words."""

    def parse(text: str) -> str:
        if text.lower() not in values:
            raise FieldError(ProblemCode.UNKNOWN_VALUE)
        return text.lower()

    return parse


def yes_or_no(text: str) -> bool:
    """yes, true, 1 or no, false, 0, nothing."""
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise FieldError(ProblemCode.NOT_YES_OR_NO)


def price(currency: str) -> Parser:
    """An amount in major units of ``currency``, as minor units."""

    def parse(text: str) -> int:
        if text.startswith("-"):
            raise FieldError(ProblemCode.NEGATIVE_PRICE)
        whole, _, fraction = text.partition(".")
        if whole.isdigit() and fraction.isdigit() and len(fraction.rstrip("0")) > exponent(currency):
            raise FieldError(ProblemCode.FRACTION_TOO_FINE)
        # 3.400 says the same as 3.4
        plain = f"{whole}.{fraction.rstrip('0')}".rstrip(".") if fraction else text
        try:
            amount = Money.parse(plain, currency).amount
        except ValueError:
            raise FieldError(ProblemCode.BAD_PRICE) from None
        if amount > MAX_AMOUNT:
            raise FieldError(ProblemCode.OUT_OF_RANGE)
        return amount

    return parse


def quantity_prices(currency: str, largest: int) -> Parser:
    """Steps such as ``10:4.50; 50:4`` as pairs of a quantity (2 to ``largest``) and a price, which must fall."""
    quantity, amount = number(2, largest), price(currency)

    def parse(text: str) -> list[list[int]]:
        cells = [step.partition(":") for step in text.split(";") if step.strip()]
        if not all(separator for _, separator, _ in cells):
            raise FieldError(ProblemCode.BAD_QUANTITY_PRICES)
        if len(cells) > _MAX_STEPS:
            raise FieldError(ProblemCode.TOO_LONG)
        steps = sorted([quantity(from_.strip()), amount(each.strip())] for from_, _, each in cells)
        for (fewer, dearer), (more, cheaper) in itertools.pairwise(steps):
            if fewer == more:
                raise FieldError(ProblemCode.QUANTITY_TWICE)
            if dearer <= cheaper:
                raise FieldError(ProblemCode.NOT_FALLING)
        return steps

    return parse


def same_currency(currency: str) -> Parser:
    """The shop's own currency."""

    def parse(text: str) -> str:
        if text and text.upper() != currency:
            raise FieldError(ProblemCode.UNKNOWN_CURRENCY)
        return currency

    return parse


@functools.cache
def countries() -> frozenset[str]:
    """The countries of ISO 3166-1 by their two letters."""
    names = [str(code) for code in BabelLocale("en").territories]
    return frozenset(code for code in names if len(code) == 2 and code.isalpha()) - _NOT_COUNTRIES


def country(text: str) -> str | None:
    """A country by its two letters (ISO 3166-1), or nothing: everywhere."""
    if not text:
        return None
    if text.upper() not in countries():
        raise FieldError(ProblemCode.BAD_COUNTRY)
    return text.upper()


def tags(text: str) -> list[str]:
    """Words apart by semicolons, each once."""
    items = list(dict.fromkeys(filter(None, (item.strip().lower() for item in text.split(";")))))
    if len(items) > _MAX_TAGS or any(len(item) > _MAX_TAG for item in items):
        raise FieldError(ProblemCode.TOO_LONG)
    return [words(_MAX_TAG)(item) for item in items]


def default_hue(name: str) -> str:
    """A hue that is always ``name``'s."""
    return HUES[zlib.crc32(name.encode()) % (len(HUES) - 1)]  # the last one is grey: for what is out


def masked(secret: str) -> str:
    """A secret that can be told apart by its owner and used by nobody."""
    return f"{secret[:4]}…" if len(secret) >= 12 else "…"


def quoted(text: str) -> str:
    """A text for a CSV cell that begins as ``unquoted`` would change: it gets one apostrophe more."""
    return f"'{text}" if _QUOTED.match(text) else text


def unquoted(text: str) -> str:
    """The text of a CSV cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return text[1:] if _QUOTED.match(text) else text
