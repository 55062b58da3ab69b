"""A form as it is shown: what stands in its fields, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from backend.kernel.text import Locale

LANGUAGES: Final[tuple[tuple[str, str], ...]] = (("en", "English"), ("ar", "العربية"), ("ru", "Русский"))
"""The languages of a text, each by its own name, English first."""


class Choice(msgspec.Struct, frozen=True):
    """One of several values; ``label`` is data."""

    value: str
    label: str


class Fields(msgspec.Struct, frozen=True):
    """What stands in a form, by field, and the code of what is wrong with each wrong one."""

    typed: Mapping[str, str] = {}
    errors: Mapping[str, str] = {}

    def text(self, name: str) -> str:
        """What stands in a field."""
        return self.typed.get(name, "")

    def error(self, name: str) -> str:
        """What is wrong with a field; empty for nothing."""
        return self.errors.get(name, "")

    def is_on(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.typed.get(name) == "on"

    @property
    def language(self) -> str:
        """The language that is shown first: the first one with an error, else English."""
        ends = {name.rpartition("_")[2] for name in self.errors}
        return next((code for code, _ in LANGUAGES if code in ends), "en")


def texts(typed: Mapping[str, str], name: str) -> dict[str, str]:
    """The texts of a field by language, such as ``title_en``; without the empty ones."""
    given = {locale.value: typed.get(f"{name}_{locale}", "") for locale in Locale}
    return {locale: text for locale, text in given.items() if text}


def typed_texts(values: Mapping[str, str], name: str) -> dict[str, str]:
    """The fields that hold the texts ``values``."""
    return {f"{name}_{locale}": text for locale, text in values.items()}


def switch(on: bool) -> str:
    """What a form holds of a switch."""
    return "on" if on else ""


def local_text(moment: datetime | None, timezone: ZoneInfo) -> str:
    """A moment as a date and time field has it, in a time zone."""
    return "" if moment is None else moment.astimezone(timezone).strftime("%Y-%m-%dT%H:%M")


def errors_by(fields: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """What a service refused, by the fields of the form: ``names`` says which are called otherwise there."""
    return {names.get(name, name): code for name, code in fields.items()}
