"""The editor of a spread: its form between typed texts and a SpreadBody, and what its buttons do to it.

The form has all positions: ``positions`` of them, the second one with ``position_2_name_en``, ``position_2_x`` and so
on; ``prompts_en`` has a question a line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from backend.kernel.text import Locale, whole_number
from backend.readings.types import Position, SpreadBody
from webapp.core.fields import switch, typed_texts

MOST_POSITIONS: Final = 15
_NOT_A_NUMBER: Final = -1
"""Stands for a number that is none, so that it is out of range."""
_APART: Final = 115
"""From card to card, in hundredths of a card."""
_STEP: Final = 25
_FIRST: Final = 50


def blank_body() -> SpreadBody:
    """A spread with one position and nothing said."""
    return SpreadBody(name={}, summary={}, prompts={}, positions=(_blank("card-1", _FIRST, _FIRST),))


def _blank(key: str, x: int, y: int) -> Position:
    return Position(key=key, name={}, meaning={}, x=x, y=y)


def to_form(body: SpreadBody) -> dict[str, str]:
    """The fields of a form that has this spread."""
    values = {
        **typed_texts(body.name, "name"),
        **typed_texts(body.summary, "summary"),
        **{f"prompts_{locale}": "\n".join(prompts) for locale, prompts in body.prompts.items()},
        "positions": str(len(body.positions)),
    }
    for number, place in enumerate(body.positions, start=1):
        prefix = f"position_{number}"
        values |= {
            **typed_texts(place.name, f"{prefix}_name"),
            **typed_texts(place.meaning, f"{prefix}_meaning"),
            f"{prefix}_key": place.key,
            f"{prefix}_x": _shown(place.x),
            f"{prefix}_y": _shown(place.y),
            f"{prefix}_crossing": switch(place.crossing),
        }
    return values


def _shown(number: int) -> str:
    return "" if number == _NOT_A_NUMBER else str(number)


def from_form(values: Mapping[str, Any]) -> SpreadBody:
    """The spread that a form has; numbers that are none are out of range."""
    count = min(number_of(values.get("positions")), MOST_POSITIONS + 1)
    return SpreadBody(
        name=_texts(values, "name"),
        summary=_texts(values, "summary"),
        prompts={
            locale: tuple(line.strip() for line in text.splitlines() if line.strip())
            for locale, text in _texts(values, "prompts").items()
        },
        positions=tuple(_position(values, f"position_{number}") for number in range(1, count + 1)),
    )


def _position(values: Mapping[str, Any], prefix: str) -> Position:
    return Position(
        key=_text(values, f"{prefix}_key"),
        name=_texts(values, f"{prefix}_name"),
        meaning=_texts(values, f"{prefix}_meaning"),
        x=number_of(values.get(f"{prefix}_x")),
        y=number_of(values.get(f"{prefix}_y")),
        crossing=_text(values, f"{prefix}_crossing") == "on",
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _texts(values: Mapping[str, Any], name: str) -> dict[str, str]:
    return {locale.value: text for locale in Locale if (text := _text(values, f"{name}_{locale}"))}


def number_of(value: object) -> int:
    """The whole number that was typed; one that nothing may be for anything else."""
    try:
        return whole_number(value, most_digits=6) if isinstance(value, str) else _NOT_A_NUMBER
    except ValueError:
        return _NOT_A_NUMBER


def acted(body: SpreadBody, act: str) -> SpreadBody:
    """The spread after a button of its form; unknown ones do nothing.

    ``add`` adds a position, ``lay:rows3`` lays all cards in an order; ``earlier:2``, ``later:2``, ``remove:2`` and
    ``start:2``, ``end:2``, ``up:2``, ``down:2`` are about the second one.
    """
    verb, _, rest = act.partition(":")
    places = list(body.positions)
    if verb == "add" and len(places) < MOST_POSITIONS:
        places.append(_added(places))
    elif verb == "lay":
        places = _laid(places, rest)
    elif 0 <= (at := number_of(rest) - 1) < len(places):
        _change(places, verb, at)
    return replace(body, positions=tuple(places))


def _added(places: list[Position]) -> Position:
    taken = {place.key for place in places}
    key = next(key for number in range(1, MOST_POSITIONS + 2) if (key := f"card-{number}") not in taken)
    # Below all others, so that it covers none.
    return _blank(key, _FIRST, max((place.y for place in places), default=_FIRST - _APART) + _APART)


def _change(places: list[Position], verb: str, at: int) -> None:
    to = {"earlier": at - 1, "later": at + 1}.get(verb, at)
    if verb == "remove":
        del places[at]
    elif to != at and 0 <= to < len(places):
        places[at], places[to] = places[to], places[at]
    elif verb in _STEPS:
        across, down = _STEPS[verb]
        place = places[at]
        places[at] = replace(place, x=max(place.x + across, 0), y=max(place.y + down, 0))


_STEPS: Final = {"start": (-_STEP, 0), "end": (_STEP, 0), "up": (0, -_STEP), "down": (0, _STEP)}


def _laid(places: list[Position], how: str) -> list[Position]:
    """The positions in rows of three or four, one below the other, or in a circle; none of them crosses another."""
    if how == "circle":
        # As wide as neighbours need, whose middles are a card and a gap apart.
        wide = max(_APART, round(_APART * len(places) / (2 * math.pi)))
        turns = [2 * math.pi * number / len(places) for number in range(len(places))]
        spots = [
            (_FIRST + round(wide * (1 + math.sin(turn))), _FIRST + round(wide * (1 - math.cos(turn)))) for turn in turns
        ]
    elif across := {"column": 1, "rows3": 3, "rows4": 4}.get(how):
        spots = [
            (_FIRST + number % across * _APART, _FIRST + number // across * _APART) for number in range(len(places))
        ]
    else:
        return places
    return [replace(place, x=x, y=y, crossing=False) for place, (x, y) in zip(places, spots, strict=True)]


def missing(body: SpreadBody) -> dict[str, int]:
    """How many texts each language lacks that a spread must have; without languages that lack none."""
    texts = [body.name, body.summary, *(text for place in body.positions for text in (place.name, place.meaning))]
    lacks = {locale.value: sum(1 for text in texts if not text.get(locale.value)) for locale in Locale}
    return {locale: count for locale, count in lacks.items() if count}
