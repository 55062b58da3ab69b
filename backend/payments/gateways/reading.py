"""Read external data in gateways: headers, JSON, ids and amounts, exactly and without floats."""

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
"""The error to raise for unreadable data: BadWebhook for a webhook's, ProviderDown for an API answer's."""
_LONGEST_HEADER: Final = 4096
# Positive, in plain digits: no sign and no exponent.
_PLAIN: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")


class Refused(ProviderDown):
    """A provider's API understood the call and refused it; the text names its reason."""


def header(headers: Mapping[str, str], name: str) -> str:
    """The value of a header in any case. Raises BadWebhook unless there is exactly one, in ASCII."""
    values = [value for key, value in headers.items() if key.lower() == name]
    if len(values) != 1 or not values[0] or len(values[0]) > _LONGEST_HEADER or not values[0].isascii():
        raise BadWebhook(f"no single header {name}")
    return values[0]


def notice(body: bytes, kind: type[T]) -> T:
    """Decode a webhook's body. Raises BadWebhook for anything but UTF-8 JSON of this type."""
    return decode(body, kind, BadWebhook)


def answer(said: Answer, kind: type[T]) -> T:
    """Decode an API's answer. Raises ProviderDown for anything but UTF-8 JSON of this type."""
    return decode(said.body, kind, ProviderDown)


def decode(body: bytes, kind: type[T], refusal: Refusal) -> T:
    """Decode JSON of this type. Raises ``refusal`` for anything else."""
    try:
        # msgspec skips unknown fields without checking their UTF-8, so check all of it first.
        body.decode()
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError, OverflowError) as error:
        raise refusal(f"not readable: {type(error).__name__}") from error


def intent_id(text: str | None) -> IntentId | None:
    """The payment id that ``text`` is; None if it is not an id as this shop writes them."""
    try:
        uuid = UUID(text or "")
    except ValueError:
        return None
    return IntentId(uuid) if str(uuid) == text else None


def to_units(money: Money, places: int, step: int = 1) -> int:
    """``money`` in a provider's units of 10^-``places``, rounded up to a multiple of ``step``.

    Rounding up is safe, since buyers are credited for all that they pay; exact if the provider's unit is as fine.
    """
    steps: int = ceil(Fraction(money.decimal()) * 10**places / step)
    return steps * step


def exact_units(money: Money, places: int, step: int = 1) -> int | None:
    """``money`` in a provider's units; None if they are too coarse for it."""
    units = to_units(money, places, step)
    return units if from_units(units, places, money.currency) == money else None


def from_units(units: int, places: int, currency: str) -> Money:
    """A provider's units as money, rounded down to a minor unit. Raises OverflowError."""
    return Money(floor(Fraction(units, 10**places) * 10 ** exponent(currency)), currency)


def to_text(units: int, places: int) -> str:
    """A provider's units as a decimal number, such as ``10.50``."""
    return f"{Decimal(units).scaleb(-places):f}"


def parse(text: str, currency: str, refusal: Refusal) -> Money:
    """Read a decimal number as money. Raises ``refusal`` for any other text, a sign, or too large an amount."""
    try:
        if not _PLAIN.fullmatch(text):
            raise ValueError("not a plain number")
        return Money(floor(Fraction(text) * 10 ** exponent(currency)), currency)
    except (ValueError, OverflowError) as error:
        raise refusal(f"not an amount in {currency[:8]!r}") from error


def currency_code(text: str, refusal: Refusal) -> str:
    """A currency code in upper case. Raises ``refusal`` if the text is none."""
    code = text.upper()
    if not re.fullmatch("[A-Z0-9]{2,12}", code):
        raise refusal("not a currency")
    return code


def codes(text: str) -> frozenset[str]:
    """Split a text into currency codes."""
    return frozenset(text.split())
