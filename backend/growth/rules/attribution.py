"""What a start parameter says: a course, a partner, both, or nothing that counts. See decisions/0074."""

from __future__ import annotations

import re
from typing import Final

from backend.growth.types.attribution import MAX_CODE, StartLink

_SIGNS: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COURSE: Final = re.compile(r"c_([a-z0-9]+(?:-[a-z0-9]+)*)")
_CODE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_OTHERS: Final = ("g_", "o_", "c_", "p_")
"""Begin links to a gift, an order, a course, and a product or partner."""
_BETWEEN: Final = "-p_"
_MAX_SLUG: Final = 40


def parse_start(text: str) -> StartLink:
    """The course and the partner of ``c_<slug>``, ``c_<slug>-p_<code>``, ``p_<code>``, or a code alone.

    Never raises. What is not understood is left out: the person still lands, in the course or in the shop. Every part
    may be unknown; ``p_`` may name a product as well.
    """
    if not _SIGNS.fullmatch(text):
        return StartLink()
    if text.startswith("c_"):
        # A slug has no underscore: the first one after it begins the partner.
        course, _, partner = text.partition(_BETWEEN)
        match = _COURSE.fullmatch(course)
        slug = match[1] if match and len(match[1]) <= _MAX_SLUG else None
        return StartLink(course=slug, partner=_code(partner))
    if text.startswith("p_"):
        return StartLink(partner=_code(text.removeprefix("p_")))
    return StartLink() if text.startswith(_OTHERS) else StartLink(partner=_code(text))


def is_code(text: str) -> bool:
    """Whether a partner's code can be called so: 2 to 19 signs that a link has room for beside a course."""
    return 2 <= len(text) <= MAX_CODE and not text.startswith(_OTHERS) and _CODE.fullmatch(text) is not None


def _code(text: str) -> str | None:
    return text if is_code(text) else None
