"""Text in several languages, and the languages there are."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


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


# What only changes how text is shown: marks of direction, and the mark of byte order.
_UNSEEN: Final = dict.fromkeys([0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])
_LONGEST_SEARCH: Final = 100


def searched(query: str) -> str:
    """What somebody looks for: digits of any script as 0 to 9, no controls, single spaces, at most 100 characters."""
    plain = "".join(map(_readable, query[: _LONGEST_SEARCH * 4].translate(_UNSEEN)))
    return fold(plain)[:_LONGEST_SEARCH].strip()


def _readable(sign: str) -> str:
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    return " " if unicodedata.category(sign) in {"Cc", "Cs"} else sign


def like(part: str) -> str:
    """The LIKE pattern of texts that have ``part`` in them, whatever signs it has."""
    return "%" + part.translate({ord(sign): "\\" + sign for sign in "\\%_"}) + "%"


def fold(text: str) -> str:
    """Text with its whitespace runs folded to one space and its ends cut."""
    return " ".join(text.split())
