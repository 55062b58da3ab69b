"""Text in several languages, and the languages there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

# Shown as nothing: Default_Ignorable_Code_Point beside the category Cf. Source: Unicode 15, DerivedCoreProperties.
_INVISIBLE: Final = dict.fromkeys(
    sign
    for first, last in [
        *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065), (0x3164, 0x3164)),
        *((0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF)),
    ]
    for sign in range(first, last + 1)
)
_LONGEST_NAME: Final = 100
_LONGEST_ENDING: Final = 12
_NOT_IN_NAMES: Final = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The signs of codes and short numbers: Crockford's base 32, without I, L, O, U, which are easily misread."""
MISREAD: Final = str.maketrans("ILO", "110")
"""Letters that codes leave out, read as the digits that they look like."""
# Letters of other keyboards that look like those of a code.
_LOOK_ALIKES: Final = str.maketrans("АВЕКМНОРСТУХΑΒΕΚΜΝΟΡΤΧ", "ABEKMH0PCTYXABEKMN0PTX") | MISREAD


class Locale(StrEnum):
    """A language of the interface."""

    EN = "en"
    AR = "ar"
    RU = "ru"

    @property
    def direction(self) -> str:
        """``rtl`` or ``ltr``."""
        return "rtl" if self is Locale.AR else "ltr"

    @property
    def own_name(self) -> str:
        """What the language is called by those who speak it."""
        return {Locale.EN: "English", Locale.AR: "العربية", Locale.RU: "Русский"}[self]

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


_LONGEST_SEARCH: Final = 100


def searched(query: str) -> str:
    """Normalise a search query: digits of any script as 0 to 9, no controls, single spaces, at most 100 characters."""
    plain = ascii_digits(visible(query[: _LONGEST_SEARCH * 4]))
    shown = "".join(" " if unicodedata.category(sign) in {"Cc", "Cs"} else sign for sign in plain)
    return fold(shown)[:_LONGEST_SEARCH].strip()


def like(part: str) -> str:
    """The LIKE pattern of texts that have ``part`` in them, whatever signs it has."""
    return "%" + part.translate({ord(sign): "\\" + sign for sign in "\\%_"}) + "%"


def fold(text: str) -> str:
    """Text with its whitespace runs folded to one space and its ends cut."""
    return " ".join(text.split())


def visible(text: str) -> str:
    """Text without the marks that show as nothing: direction marks, zero-width signs, soft hyphens, selectors."""
    return "".join(sign for sign in text.translate(_INVISIBLE) if sign.isascii() or unicodedata.category(sign) != "Cf")


def file_name(name: str) -> str:
    """The name under which somebody saves a file that another person sent: one on every system, and never a path.

    Its ending stays where the name is too long.
    """
    last = re.split(r"[/\\]", visible(name))[-1]
    cleaned = " ".join(_NOT_IN_NAMES.sub(" ", last).split()).strip(". ")
    stem, dot, ending = cleaned.rpartition(".")
    if not dot or not stem or len(ending) > _LONGEST_ENDING:
        return cleaned[:_LONGEST_NAME].strip(". ") or "file"
    return f"{stem[: _LONGEST_NAME - len(ending) - 1].rstrip()}.{ending}"


def ascii_digits(text: str) -> str:
    """Text with the decimal digits of every script as 0 to 9; ``²`` and ``Ⅷ`` are no digits."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(sign)) if unicodedata.category(sign) == "Nd" else sign for sign in text)


def whole_number(text: str, most_digits: int = 18) -> int:
    """The whole number that a person or a program wrote: an optional minus and digits of any script, nothing else.

    Raises ValueError for everything else: ``1E2``, ``1.000``, ``+5``, ``1_000``, more than ``most_digits``.
    """
    plain = ascii_digits(visible(text).strip()).replace("\u2212", "-")
    digits = plain.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= most_digits):
        raise ValueError("not a whole number")
    return int(plain)


def capitals(text: str) -> str:
    """Text in capitals, one for each letter: no number or code has a ß, but many have SS."""
    return "".join(sign.upper() if len(sign.upper()) == 1 else sign for sign in text)


_BARE: Final = re.compile(r"^[\W_]+|[^\w-]+$")
_DASHES: Final = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")


def plain_signs(typed: str) -> str:
    """Text for finding numbers in it: capitals, digits and hyphens of every kind as plain ones, its ends bare.

    Invisible marks, and the quotes, dots and brackets around it, fall away.
    """
    plain = ascii_digits(unicodedata.normalize("NFKC", visible(typed).translate(_DASHES)))
    return _BARE.sub("", capitals(plain))


def code_signs(typed: str) -> str:
    """A code as typed or pasted, without what separates or marks it: capitals and digits, look-alikes read as meant.

    Digits of every script are digits; spaces, hyphens, dots, quotes and invisible marks fall away.
    """
    plain = capitals(ascii_digits(unicodedata.normalize("NFKC", typed)))
    return "".join(sign for sign in plain if sign.isalnum()).translate(_LOOK_ALIKES)
