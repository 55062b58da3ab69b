"""The five spreads that every shop begins with."""

from __future__ import annotations

from typing import Any, Final

from backend.readings.deck.cards import LANGUAGES, data
from backend.readings.types import Position, SpreadBody

Places = tuple[tuple[int, int], ...]
"""Middles of the cards, in hundredths of a card's width and height."""

_CELTIC: Final[Places] = (
    *((236, 217), (236, 217), (236, 83), (236, 350), (50, 217), (421, 217)),
    *((636, 386), (636, 274), (636, 162), (636, 50)),
)
_RELATIONSHIP: Final[Places] = ((50, 50), (479, 50), (50, 288), (479, 288), (264, 169), (129, 169), (400, 169))
# The year's own card in the middle above, the months in three rows of four below.
_YEAR: Final[Places] = (*((50 + month % 4 * 115, 165 + month // 4 * 115) for month in range(12)), (222, 50))
_BUILT_IN: Final[tuple[tuple[str, int, Places], ...]] = (
    ("one", 1, ((50, 50),)),
    ("three", 1, ((50, 50), (165, 50), (280, 50))),
    ("celtic-cross", 3, _CELTIC),
    ("relationship", 2, _RELATIONSHIP),
    ("year", 4, _YEAR),
)


def _body(slug: str, places: Places) -> SpreadBody:
    texts: dict[str, Any] = {language: data(f"{language}/spreads.toml")[slug] for language in LANGUAGES}
    keys = list(texts["en"]["positions"])
    positions = tuple(
        Position(
            key=key,
            name={language: text["positions"][key][0] for language, text in texts.items()},
            meaning={language: text["positions"][key][1] for language, text in texts.items()},
            x=x,
            y=y,
            crossing=key == "crossing",
        )
        for key, (x, y) in zip(keys, places, strict=True)
    )
    return SpreadBody(
        name={language: text["name"] for language, text in texts.items()},
        summary={language: text["summary"] for language, text in texts.items()},
        prompts={language: tuple(text["prompts"]) for language, text in texts.items()},
        positions=positions,
    )


BUILT_IN_SPREADS: Final[tuple[tuple[str, int, SpreadBody], ...]] = tuple(
    (slug, credits, _body(slug, places)) for slug, credits, places in _BUILT_IN
)
"""Slug, credits and body of each, in the order in which they are shown."""
