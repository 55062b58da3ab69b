"""Letters of any script as plain ones, so that what was written in other ways can be compared."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from backend.kernel.text import ascii_digits, fold, visible

_REMEMBERED: Final = 0x3000
_GROUPED: Final = re.compile("(?<=[0-9])[,'\u00a0\u202f\u2009\u066c](?=[0-9]{3}(?![0-9]))")
_DECIMAL: Final = re.compile("(?<=[0-9])[,\u066b](?=[0-9])")
_AROUND: Final = " .,;:!?\"'`\u00ab\u00bb\u201c\u201d\u201e\u2018\u2019\u060c\u061b\u061f\u2026()[]"
_DASHES: Final = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
# Letters that are written for one another and that no decomposition joins.
_ALIKE: Final = {
    **dict.fromkeys("ىی", "ي"), **dict.fromkeys("ةہ", "ه"), **dict.fromkeys("کگ", "ك"), "ٱ": "ا", "ـ": "",
    "ı": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe",
}  # fmt: skip


class _Plain(dict[int, str]):
    """For str.translate: marks become nothing, digits of every script 0 to 9, letters that are alike one."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        plain = "" if unicodedata.category(sign) == "Mn" else ascii_digits(visible(_ALIKE.get(sign, sign)))
        if code < _REMEMBERED:
            self[code] = plain
        return plain


_PLAIN: Final = _Plain()


def plain_letters(text: str) -> str:
    """Text in small letters without marks, its digits 0 to 9; letters that are written for one another are one."""
    if text.isascii():
        return text.lower()
    # Letters and their marks apart, so that أ is ا, ё is е and é is e however they were written.
    return unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN).lower()


def ungrouped(text: str) -> str:
    """Text without what parts the thousands of its numbers; ``text`` has the digits 0 to 9."""
    return _GROUPED.sub("", text)


def plain_answer(text: str) -> str:
    """A typed answer for comparison: plain letters, single spaces, numbers and dashes written one way.

    Signs around it fall away; those within it stay, so that C++ is not C.
    """
    plain = _DECIMAL.sub(".", ungrouped(plain_letters(ungrouped(ascii_digits(text))).translate(_DASHES)))
    return fold(plain).strip(_AROUND)
