"""How gateways read what comes from outside: headers, JSON, ids and amounts; all exact, all refused in one way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from backend.kernel.errors import AppError
from backend.kernel.money import Money, exponent
from backend.payments.errors import BadWebhook, ProviderDown
from backend.payments.ports import Answer
from backend.payments.types import IntentId

T = TypeVar("T")
Refusal = Callable[[str], AppError]
"""What is raised for a text that cannot be read: BadWebhook of a stranger's, ProviderDown of an answer."""
_LONGEST_HEADER: Final = 4096
# Positive, in plain digits: no sign, no exponent, nothing that a float could have made of it.
_PLAIN: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")


class Refused(ProviderDown):
    """A provider's API understood the call and said no; the text names its reason."""


def header(headers: Mapping[str, str], name: str) -> str:
    """The value of a header, whatever the case of its name. Raises BadWebhook unless there is exactly one, in ASCII."""
    found = [value for key, value in headers.items() if key.lower() == name]
    if len(found) != 1 or not found[0] or len(found[0]) > _LONGEST_HEADER or not found[0].isascii():
        raise BadWebhook(f"no single header {name}")
    return found[0]


def notice(body: bytes, kind: type[T]) -> T:
    """A webhook's body. Raises BadWebhook for anything but JSON of that shape, in UTF-8."""
    return decode(body, kind, BadWebhook)


def answer(said: Answer, kind: type[T]) -> T:
    """The body of an API's answer. Raises ProviderDown for anything but JSON of that shape."""
    return decode(said.body, kind, ProviderDown)


def decode(body: bytes, kind: type[T], refusal: Refusal) -> T:
    """JSON of that shape. Raises ``refusal`` for anything else."""
    try:
        # The whole text is looked at: fields that nobody asks for are skipped below, bad UTF-8 in them too.
        body.decode()
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError, OverflowError) as error:
        raise refusal(f"not readable: {type(error).__name__}") from error


def intent_id(text: str | None) -> IntentId | None:
    """The payment that ``text`` names; None where it is no id of ours."""
    try:
        found = UUID(text or "")
    except ValueError:
        return None
    return IntentId(found) if str(found) == text else None


def to_units(money: Money, places: int, step: int = 1) -> int:
    """``money`` in a provider's units of 10^-``places``, rounded up to a multiple of ``step``.

    Rounded up, since people get credit for all that they pay; exact wherever the provider's unit is as fine as ours.
    """
    steps: int = ceil(Fraction(money.decimal()) * 10**places / step)
    return steps * step


def exact_units(money: Money, places: int, step: int = 1) -> int | None:
    """``money`` in a provider's units, or None where they are too coarse for it."""
    units = to_units(money, places, step)
    return units if from_units(units, places, money.currency) == money else None


def from_units(units: int, places: int, currency: str) -> Money:
    """A provider's units as money; what is finer than our minor unit is dropped. Raises OverflowError."""
    return Money(floor(Fraction(units, 10**places) * 10 ** exponent(currency)), currency)


def to_text(units: int, places: int) -> str:
    """A provider's units as a decimal number, such as ``10.50``."""
    return f"{Decimal(units).scaleb(-places):f}"


def parse(text: str, currency: str, refusal: Refusal) -> Money:
    """Money from a decimal number of a provider. Raises ``refusal`` for any other text, a sign, or too much."""
    try:
        if not _PLAIN.fullmatch(text):
            raise ValueError("not a plain number")
        return Money(floor(Fraction(text) * 10 ** exponent(currency)), currency)
    except (ValueError, OverflowError) as error:
        raise refusal(f"not an amount in {currency[:8]!r}") from error


def currency_code(text: str, refusal: Refusal) -> str:
    """A currency's code in upper case. Raises ``refusal`` for a text that is none."""
    code = text.upper()
    if not re.fullmatch("[A-Z0-9]{2,12}", code):
        raise refusal("not a currency")
    return code


def codes(text: str) -> frozenset[str]:
    """The currency codes of a list with spaces between."""
    return frozenset(text.split())
