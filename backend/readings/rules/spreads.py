"""What a spread may be."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from backend.kernel.errors import Invalid
from backend.kernel.text import Locale
from backend.readings.types import Position, SpreadBody

MOST_POSITIONS: Final = 15
MOST_CREDITS: Final = 1000
FARTHEST: Final = 2000
"""Hundredths of a card's width or height from the edge."""
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEY: Final = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
_NAME: Final = 60
_SUMMARY: Final = 200
_MEANING: Final = 300
_PROMPT: Final = 120
_PROMPTS: Final = 6
_SLUG_LENGTH: Final = 40


def check_slug(slug: str) -> None:
    """Raises Invalid for what can't be a part of an address."""
    if len(slug) > _SLUG_LENGTH or not _SLUG.fullmatch(slug):
        raise Invalid("not a slug", fields={"slug": "invalid"})


def check_credits(credits: int) -> None:
    """Raises Invalid for a price that no spread may have."""
    if not 0 <= credits <= MOST_CREDITS:
        raise Invalid("not a price in credits", fields={"credits": "range"})


def check_spread(credits: int, body: SpreadBody, slug: str | None = None) -> None:
    """Raises Invalid, naming everything that is wrong with a spread, its price, and with the address of a new one."""
    wrong: dict[str, str] = {}
    checks = [partial(check_credits, credits), partial(check_body, body)]
    if slug is not None:
        checks.append(partial(check_slug, slug))
    for check in checks:
        try:
            check()
        except Invalid as refusal:
            wrong |= dict(refusal.fields)
    if wrong:
        raise Invalid("not a spread", fields=wrong)


def check_body(body: SpreadBody) -> None:
    """Raises Invalid, naming each field that is wrong: ``name_en``, ``positions``, ``position_2_meaning_ru``."""
    wrong = _texts("name", body.name, _NAME) | _texts("summary", body.summary, _SUMMARY)
    for language in Locale:
        prompts = body.prompts.get(language.value, ())
        if len(prompts) > _PROMPTS or any(not 0 < len(prompt) <= _PROMPT for prompt in prompts):
            wrong[f"prompts_{language.value}"] = "invalid"
    keys = [position.key for position in body.positions]
    if not 1 <= len(keys) <= MOST_POSITIONS or len(set(keys)) != len(keys):
        wrong["positions"] = "range"
    for number, position in enumerate(body.positions, start=1):
        wrong |= _position(f"position_{number}", position)
    if wrong:
        raise Invalid("not a spread", fields=wrong)


def _position(field: str, position: Position) -> dict[str, str]:
    wrong = _texts(f"{field}_name", position.name, _NAME) | _texts(f"{field}_meaning", position.meaning, _MEANING)
    if not _KEY.fullmatch(position.key):
        wrong[f"{field}_key"] = "invalid"
    if not (0 <= position.x <= FARTHEST and 0 <= position.y <= FARTHEST):
        wrong[f"{field}_place"] = "range"
    return wrong


def _texts(field: str, texts: dict[str, str], longest: int) -> dict[str, str]:
    wrong = {}
    for language in Locale:
        text = texts.get(language.value, "").strip()
        if not text:
            wrong[f"{field}_{language.value}"] = "required"
        elif len(text) > longest:
            wrong[f"{field}_{language.value}"] = "too_long"
    return wrong
