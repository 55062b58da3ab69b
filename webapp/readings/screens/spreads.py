"""Spreads in the back office: their list, the editor, the preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from backend.kernel.text import Locale, pick
from backend.readings.deck.cards import card_name
from backend.readings.types import DrawnCard, Spread, SpreadBody
from webapp.core.fields import LANGUAGES, Fields, switch
from webapp.readings.screens.maps import SpreadMap, spread_map
from webapp.readings.screens.spread_form import MOST_POSITIONS, missing, to_form


class SpreadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A spread in the list."""

    id: str
    name: str
    credits: int
    cards: int
    hidden: bool
    map: SpreadMap


class SpreadsPage(msgspec.Struct, frozen=True):
    """readings/admin/spreads.html"""

    rows: tuple[SpreadRow, ...]


class Missing(msgspec.Struct, frozen=True):
    """A language, by its own name, and how many texts it lacks."""

    code: str
    language: str
    count: int


class SpreadForm(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/_positions.html: the positions of a spread as they are edited."""

    form: Fields
    path: str
    count: int
    map: SpreadMap
    missing: tuple[Missing, ...]
    languages: tuple[tuple[str, str], ...] = LANGUAGES
    most: int = MOST_POSITIONS


class SpreadEditor(SpreadForm, frozen=True, kw_only=True):
    """readings/admin/spread.html: a spread; a new one has no ``id``."""

    id: str = ""
    title: str = ""
    version: int = 0
    built_in: bool = False


class PlaceLine(msgspec.Struct, frozen=True, kw_only=True):
    """A position of the preview with the card that was dealt there."""

    number: int
    position: str
    meaning: str
    card: str


class PreviewSheet(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/_preview.html: a spread as people see it, with cards that were dealt for the look."""

    name: str
    summary: str
    credits: int
    prompts: tuple[str, ...]
    map: SpreadMap
    places: tuple[PlaceLine, ...]


def spread_rows(spreads: Sequence[Spread], locale: Locale) -> tuple[SpreadRow, ...]:
    """The spreads in their order."""
    return tuple(
        SpreadRow(
            id=str(one.id),
            name=pick(one.body.name, locale),
            credits=one.credits,
            cards=len(one.body.positions),
            hidden=one.hidden,
            map=spread_map(one.body.positions, locale),
        )
        for one in spreads
    )


def spread_values(spread: Spread) -> dict[str, str]:
    """The fields of a stored spread's form."""
    return {
        **to_form(spread.body),
        "version": str(spread.version),
        "credits": str(spread.credits),
        "shown_to_people": switch(not spread.hidden),
    }


def spread_form(
    body: SpreadBody, values: Mapping[str, str], path: str, locale: Locale, errors: Mapping[str, str] | None = None
) -> SpreadForm:
    """The positions as the form shows them."""
    names = dict(LANGUAGES)
    return SpreadForm(
        form=Fields(values, errors or {}),
        path=path,
        count=len(body.positions),
        map=spread_map(body.positions, locale),
        missing=tuple(Missing(code, names[code], count) for code, count in missing(body).items()),
    )


def spread_editor(form: SpreadForm, spread: Spread | None, locale: Locale) -> SpreadEditor:
    """The page around the form of a stored spread, or of a new one."""
    whole = msgspec.structs.asdict(form)
    if spread is None:
        return SpreadEditor(**whole)
    return SpreadEditor(
        **whole,
        id=str(spread.id),
        title=pick(spread.body.name, locale),
        version=spread.version,
        built_in=spread.built_in,
    )


def preview_sheet(body: SpreadBody, credits: int, dealt: Sequence[DrawnCard], locale: Locale) -> PreviewSheet:
    """The preview of a spread whose cards are ``dealt``."""
    return PreviewSheet(
        name=pick(body.name, locale),
        summary=pick(body.summary, locale),
        credits=credits,
        prompts=body.prompts.get(locale.value, ()),
        map=spread_map(body.positions, locale, dealt),
        places=tuple(
            PlaceLine(
                number=number,
                position=pick(place.name, locale),
                meaning=pick(place.meaning, locale),
                card=card_name(drawn.card, locale, upside_down=drawn.reversed),
            )
            for number, (place, drawn) in enumerate(zip(body.positions, dealt, strict=True), start=1)
        ),
    )
