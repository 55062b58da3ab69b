"""Forms and query strings into Structs, with every wrong field named at once."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Mapping
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from litestar import Request
from msgspec import Meta

from backend.kernel.errors import Invalid
from backend.kernel.ids import new_id
from backend.kernel.text import whole_number

S = TypeVar("S", bound=msgspec.Struct)

REQUIRED: Final = "required"
INVALID: Final = "invalid"

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


def decode(values: Mapping[str, Any], kind: type[S]) -> S:
    """The Struct of what was typed, its ends trimmed; an empty value counts as not sent.

    Raises Invalid whose ``fields`` say ``required`` or ``invalid`` of each field that is wrong.
    """
    found: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in msgspec.structs.fields(kind):
        raw = values.get(field.encode_name)
        text = raw.strip() if isinstance(raw, str) else ""
        if not text:
            # A field sent twice is a list here: nobody's form does that.
            if raw and not isinstance(raw, str):
                wrong[field.encode_name] = INVALID
            elif field.required:
                wrong[field.encode_name] = REQUIRED
            continue
        try:
            found[field.name] = _value(text, _types(kind)[field.name])
        except ValueError:  # msgspec.ValidationError is one
            wrong[field.encode_name] = INVALID
    if wrong:
        raise Invalid(f"{kind.__name__}: {wrong}", fields=wrong)
    return kind(**found)


def _value(text: str, wanted: Any) -> Any:
    """What ``text`` says as ``wanted``. Raises ValueError: a whole number is digits, a switch one of its words."""
    if "\0" in text:
        raise ValueError("PostgreSQL keeps no NUL")
    plain = _plain(wanted)
    if int in plain:
        return msgspec.convert(whole_number(text), wanted)
    if bool in plain:
        return _SWITCH[text] if text in _SWITCH else msgspec.convert(text, wanted)
    return msgspec.convert(text, wanted)


@functools.cache
def _plain(wanted: Any) -> frozenset[Any]:
    """The types that a field may hold, without their limits and None."""
    if get_origin(wanted) is Annotated:
        return _plain(get_args(wanted)[0])
    if get_origin(wanted) in {Union, UnionType}:
        return frozenset().union(*(_plain(item) for item in get_args(wanted))) - {type(None)}
    return frozenset({wanted})


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
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


async def posted(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The posted form as it came. Raises Invalid for one that is not UTF-8."""
    try:
        return _single((await request.form()).dict())
    except UnicodeDecodeError as error:
        raise Invalid("the form is not UTF-8") from error


async def read_form(request: Request[Any, Any, Any], kind: type[S]) -> S:
    """The posted form as a Struct. Raises Invalid as decode does."""
    return decode(await posted(request), kind)


def read_query(request: Request[Any, Any, Any], kind: type[S]) -> S:
    """The query string as a Struct. Raises Invalid as decode does."""
    return decode(_single(request.query_params.dict()), kind)
