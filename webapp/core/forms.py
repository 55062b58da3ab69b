"""Forms and query strings into Structs, with every wrong field named at once.

A field's type says how its text is read: ``Amount``, ``Day``, ``Count``, ``BasisPoints``, ``bool``, or any type that
msgspec converts text into.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from litestar import Request
from msgspec import Meta

from backend.infra import reading
from backend.kernel.errors import Invalid
from backend.kernel.ids import new_id
from backend.kernel.money import Money
from backend.kernel.text import ascii_digits, visible, whole_number
from webapp.core.site import site_of

S = TypeVar("S", bound=msgspec.Struct)

REQUIRED: Final = "required"
INVALID: Final = "invalid"
NOT_A_NUMBER: Final = "not_a_number"
OUT_OF_RANGE: Final = "out_of_range"
NOT_A_DAY: Final = "not_a_day"
MOST_TYPED: Final = 32
"""Signs that an amount, a day or a percentage may have."""


class Typed(msgspec.Struct, frozen=True):
    """How a field's text is read, beside its type."""

    preset: bool = False
    """An empty field takes the value of the form's ``preset``: the ready amount that was chosen."""
    positive: bool = False
    """Zero and less are errors."""
    percent: bool = False
    """The text is a percentage, and the value hundredths of a per cent."""


Amount = Annotated[Money, Typed()]
"""Money in the shop's currency, in the digits and with the decimal sign of any of our languages."""
PositiveAmount = Annotated[Money, Typed(positive=True)]
"""An Amount above zero."""
AmountOrPreset = Annotated[Money, Typed(preset=True)]
"""An Amount, or else the ready amount in ``preset``."""
BasisPoints = Annotated[int, Typed(percent=True)]
"""Hundredths of a per cent, typed as a percentage: ``12,5`` or ``12.5 %`` is 1250."""
Day = date
"""A day of the calendar, sent as ``2026-11-21``."""
Count = Annotated[int, Meta(ge=1, le=999_999_999)]
"""How many of something."""
IdempotencyKey = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.-]{8,64}\Z")]
"""What makes a second tap of the same button the same purchase."""
Quantity = Annotated[int, Meta(ge=1, le=1000)]
_SWITCH: Final = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
"""What browsers and addresses say of a switch."""
Reason = Annotated[str, Meta(min_length=1, max_length=200)]


def new_intent() -> str:
    """A fresh idempotency key for a form."""
    return new_id().hex


@functools.cache
def _types(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


class Form(msgspec.Struct, Generic[S], frozen=True):
    """A form as it was sent: ``value`` where every field is right, else None and ``errors`` by field.

    ``typed`` holds the text of each field, for showing the form again.
    """

    typed: Mapping[str, str] = {}
    errors: Mapping[str, str] = {}
    value: S | None = None

    def text(self, name: str) -> str:
        """What was typed into the field, or nothing."""
        return self.typed.get(name, "")


def fill(values: Mapping[str, Any], kind: type[S], currency: str = "") -> Form[S]:
    """The form that was sent as ``values``, whose amounts are in ``currency``.

    The ends of each text are trimmed, and an empty one counts as not sent. ``errors`` say ``required``,
    ``not_a_number``, ``out_of_range`` (a Count), ``not_a_day``, or ``invalid``.
    """
    typed = {name: raw.strip() for name, raw in values.items() if isinstance(raw, str)}
    by_name: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in _fields(kind):
        name, annotation = field.encode_name, _types(kind)[field.name]
        how = _how(annotation)
        text = typed.get(name, "") or (typed.get("preset", "") if how.preset else "")
        if not text:
            # A field sent twice is a list here: nobody's form does that.
            if values.get(name) and name not in typed:
                errors[name] = INVALID
            elif field.required:
                errors[name] = REQUIRED
            continue
        try:
            by_name[field.name] = _value(text, annotation, how, currency)
        except (ValueError, OverflowError) as error:  # msgspec.ValidationError is a ValueError
            errors[name] = _error_of(annotation, out_of_range=isinstance(error, msgspec.ValidationError))
    return Form(typed, errors, None if errors else kind(**by_name))


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def decode(values: Mapping[str, Any], kind: type[S], currency: str = "") -> S:
    """The Struct of what was sent, read as ``fill`` does.

    Raises Invalid whose ``fields`` say what is wrong with each field that is wrong.
    """
    form = fill(values, kind, currency)
    if form.value is None:
        raise Invalid(f"{kind.__name__}: {form.errors}", fields=dict(form.errors))
    return form.value


def _value(text: str, annotation: Any, how: Typed, currency: str) -> Any:
    """What ``text`` says as a value of type ``annotation``. Raises ValueError, OverflowError."""
    if "\0" in text:
        raise ValueError("PostgreSQL keeps no NUL")
    plain = _plain(annotation)
    if (Money in plain or date in plain or how.percent) and len(text) > MOST_TYPED:
        raise ValueError("too long")
    if Money in plain:
        amount = reading.amount(text, currency)
        if how.positive and amount.amount <= 0:
            raise ValueError("not above zero")
        return amount
    if date in plain:
        return _day(text)
    if how.percent:
        return int(Decimal(reading.decimal_text(text.rstrip("%٪"), most_decimals=2)) * 100)
    if int in plain:
        return msgspec.convert(whole_number(text), annotation)
    if bool in plain:
        return _SWITCH[text] if text in _SWITCH else msgspec.convert(text, annotation)
    return msgspec.convert(text, annotation)


def _error_of(annotation: Any, *, out_of_range: bool) -> str:
    """What is wrong with a text that could not be read as a value of type ``annotation``."""
    plain = _plain(annotation)
    if Money in plain or int in plain:
        return OUT_OF_RANGE if out_of_range else NOT_A_NUMBER
    return NOT_A_DAY if date in plain else INVALID


_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(text: str) -> date:
    """The day in ``2026-11-21``, in the digits of any script; the day before and after it exist in every time zone."""
    plain = ascii_digits(visible(text).strip())
    if not _ISO_DAY.fullmatch(plain):
        raise ValueError("not a day")
    day = date.fromisoformat(plain)
    if day.year in {MINYEAR, MAXYEAR}:
        raise ValueError("not a day that can be counted from")
    return day


def day_starts(day: date, zone: tzinfo) -> datetime:
    """The first moment of the day in the time zone."""
    return datetime.combine(day, time(), zone)


def day_ends(day: date, zone: tzinfo) -> datetime:
    """The first moment after the day in the time zone."""
    return day_starts(day + timedelta(days=1), zone)


@functools.cache
def _how(annotation: Any) -> Typed:
    """How a field of this type is read."""
    if get_origin(annotation) is Annotated:
        return next(
            (item for item in annotation.__metadata__ if isinstance(item, Typed)), _how(get_args(annotation)[0])
        )
    if get_origin(annotation) in {Union, UnionType}:
        return next((how for how in map(_how, get_args(annotation)) if how != Typed()), Typed())
    return Typed()


@functools.cache
def _plain(annotation: Any) -> frozenset[Any]:
    """The types that a field may hold, without their limits and None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return frozenset().union(*(_plain(item) for item in get_args(annotation))) - {type(None)}
    return frozenset({annotation})


def decode_json(body: bytes, kind: type[S]) -> S:
    """The Struct in a JSON body, read strictly. Raises Invalid.

    A whole number is digits: no ``1E2``, ``1.0`` or ``"1"``. No object names a field twice, since two readers might
    believe different ones.
    """
    try:
        json.loads(body, object_pairs_hook=_once_each)
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise Invalid(f"{kind.__name__}: {error}") from error


def _once_each(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a field is named twice")


def strict_json(kind: type[msgspec.Struct]) -> Callable[[Request[Any, Any, Any]], Awaitable[None]]:
    """A ``before_request`` that refuses a body which ``decode_json`` does not read: Litestar itself is lax."""

    async def check(request: Request[Any, Any, Any]) -> None:
        decode_json(await request.body(), kind)

    return check


def _single(values: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {name: given[0] if len(given) == 1 else given for name, given in values.items()}


async def posted(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The posted form as it came. Raises Invalid for one that is not UTF-8."""
    try:
        return _single((await request.form()).dict())
    except UnicodeDecodeError as error:
        raise Invalid("the form is not UTF-8") from error


def ticked(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The rows of a list that were ticked: ``only`` once, with commas, or several times."""
    given = values.get("only") or ()
    listed = given.split(",") if isinstance(given, str) else [str(one) for one in given]
    return tuple(dict.fromkeys(one for one in listed if one))


async def read(request: Request[Any, Any, Any], kind: type[S], currency: str = "") -> Form[S]:
    """The posted form with what is wrong with it; amounts are in ``currency``, or else in the shop's.

    Raises Invalid where a choice, a switch or an id is wrong: nobody types those.
    """
    return _typable(fill(await posted(request), kind, currency or site_of(request).settings.shop_currency))


async def read_form(request: Request[Any, Any, Any], kind: type[S]) -> S:
    """The posted form as a Struct, its amounts in the shop's currency. Raises Invalid as decode does."""
    return decode(await posted(request), kind, site_of(request).settings.shop_currency)


def asked(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The query string as it came."""
    return _single(request.query_params.dict())


def read_typing(request: Request[Any, Any, Any], kind: type[S]) -> Form[S]:
    """A form in the query string, while it is being typed. Raises Invalid as ``read`` does."""
    return _typable(fill(asked(request), kind, site_of(request).settings.shop_currency))


def _typable(form: Form[S]) -> Form[S]:
    if INVALID in form.errors.values():
        raise Invalid("a form that the page does not send", fields=dict(form.errors))
    return form


def read_query(request: Request[Any, Any, Any], kind: type[S]) -> S:
    """The query string as a Struct. Raises Invalid as decode does."""
    return decode(asked(request), kind, site_of(request).settings.shop_currency)
