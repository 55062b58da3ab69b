"""Text in several languages, and the languages there are."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Locale(StrEnum):
    """A language of the interface."""

    EN = "en"
    AR = "ar"
    RU = "ru"

    @property
    def direction(self) -> str:
        """``rtl`` or ``ltr``."""
        return "rtl" if self is Locale.AR else "ltr"

    @classmethod
    def closest(cls, tag: str | None, default: Locale | None = None) -> Locale:
        """The interface language for an IETF tag such as ``ar-EG``; ``default`` (English) for the rest."""
        base = (tag or "").replace("_", "-").split("-")[0].lower()
        return cls(base) if base in {item.value for item in cls} else default or cls.EN


def pick(texts: Mapping[str, str], locale: Locale) -> str:
    """The text in ``locale``, else English, else whatever there is, else nothing."""
    return texts.get(locale) or texts.get(Locale.EN) or next(iter(texts.values()), "")


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its ``{name}`` places filled; as it is where they and the values do not fit."""
    try:
        return text.format(**values)
    except (KeyError, IndexError, ValueError):
        return text


def fold(text: str) -> str:
    """Text with its whitespace runs folded to one space and its ends cut."""
    return " ".join(text.split())
