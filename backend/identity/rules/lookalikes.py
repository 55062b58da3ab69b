"""Pure: whether a username or ID that somebody was given is a trusted seller's, or only looks like one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from backend.identity.types.sellers import Answer, Likeness, Seller
from backend.kernel.text import ascii_digits, fold, visible

_LINK: Final = re.compile(r"(?:(?:https?://)?(?:t|telegram)\.me/|tg://resolve\?domain=)", re.IGNORECASE)
_END: Final = re.compile(r"[/?#&].*\Z", re.DOTALL)
_DIGITS: Final = re.compile(r"[0-9]{1,19}")
# Letters of other scripts that are drawn like a Latin one; after casefold.
_DRAWN: Final = str.maketrans("авекмнорстухіјѕԁһԛԝӏгпьαβεηικμνορτυχγω", "abekmhopctyxijsdhqwlrnbabenikmvoptuxyw")
# Signs that are read for one another, each as one of them.
_READ: Final = str.maketrans("0i1|!5$8", "olll" + "lssb")
_NEAR_FROM: Final = 5
"""Signs of the shortest names that are compared with one mistake: Telegram has no shorter usernames."""


def named(typed: str) -> str:
    """The username or ID in what was typed or pasted: without @, a link around it, and marks at its ends."""
    plain = typed.strip()
    while plain and not visible(plain[0]):
        plain = plain[1:].lstrip()
    while plain and not visible(plain[-1]):
        plain = plain[:-1].rstrip()
    link = _LINK.match(plain)
    plain = _END.sub("", plain[link.end() :]) if link else plain
    return plain.removeprefix("@").strip()


def skeleton(name: str) -> str:
    """What a name looks like: equal for names that a quick reader takes for one another."""
    plain = ascii_digits(visible(unicodedata.normalize("NFKC", name))).casefold().translate(_DRAWN)
    bare = (
        sign for sign in unicodedata.normalize("NFD", plain) if unicodedata.category(sign)[0] in "LNS" or sign == "!"
    )
    return "".join(bare).translate(_READ).replace("rn", "m").replace("vv", "w")


def within_one(left: str, right: str) -> bool:
    """Whether one sign more, fewer or other, or two neighbours swapped, make one text of the other."""
    if len(left) > len(right):
        left, right = right, left
    if len(right) - len(left) > 1:
        return False
    at = next((place for place, sign in enumerate(left) if sign != right[place]), len(left))
    if len(left) < len(right):
        return left[at:] == right[at + 1 :]
    swapped = left[:at] + left[at : at + 2][::-1] + left[at + 2 :]
    return left[at + 1 :] == right[at + 1 :] or swapped == right


def judge(typed: str, sellers: Iterable[Seller]) -> Answer:
    """Whose name or ID this is; a name that only looks like a seller's is never theirs."""
    name, known = named(typed), tuple(sellers)
    number = ascii_digits(name)
    if _DIGITS.fullmatch(number):
        own = next((one for one in known if one.telegram_id == int(number)), None)
        return Answer(Likeness.OURS, own) if own else Answer(Likeness.UNKNOWN)
    if not skeleton(name):
        return Answer(Likeness.NOTHING)
    for one in known:
        if one.username and name.isascii() and name.lower() == one.username.lower():
            return Answer(Likeness.OURS, one)
    seen = skeleton(name)
    for one in known:
        names = [skeleton(text) for text in (one.username or "", fold(one.name)) if text]
        if seen in names or any(len(text) >= _NEAR_FROM and within_one(seen, text) for text in names):
            return Answer(Likeness.SIMILAR, one)
    return Answer(Likeness.UNKNOWN)
