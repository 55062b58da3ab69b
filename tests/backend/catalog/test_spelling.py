"""Typing errors are mended to the catalogue's own words: the fast way finds what looking at every word finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from backend.catalog.rules.spelling import Dictionary, errors_allowed

_LETTERS = ("abc", "абв", "ابت", "abав", "12")
_WORDS = st.one_of(*(st.text(alphabet=letters, min_size=1, max_size=10) for letters in _LETTERS))
_KNOWN = st.lists(_WORDS | st.sampled_from(["@tr", "@us"]), max_size=40, unique=True)
_ALL = 1000


def _mends(typed: str, known: str) -> bool:
    if len(typed) == 3 and len(known) <= 3:
        return False
    return 0 < OSA.distance(typed, known) <= errors_allowed(typed)


@given(_KNOWN, _KNOWN, _WORDS)
def test_every_word_within_the_errors_is_found(known: list[str], later: list[str], typed: str) -> None:
    words = list(dict.fromkeys(known + later))
    dictionary = Dictionary()
    dictionary.add(known)
    assert dictionary.mend(typed, _ALL) == _nearest(typed, [word for word in known if _mends(typed, word)])
    dictionary.mend_beginning(typed, _ALL)  # what is learned afterwards must be found too
    dictionary.add(word for word in words if word not in known)
    assert dictionary.mend(typed, _ALL) == _nearest(typed, [word for word in words if _mends(typed, word)])
    beginnings = {word[: len(typed)] for word in words if len(word) > len(typed) >= 4}
    near = [begun for begun in beginnings if 0 < OSA.distance(typed, begun) <= errors_allowed(typed)]
    assert dictionary.mend_beginning(typed, _ALL) == _nearest(typed, near)


def _nearest(typed: str, near: list[str]) -> list[str]:
    return sorted(near, key=lambda word: (OSA.distance(typed, word), word[0] != typed[0], word))


def test_a_letter_of_another_script_is_one_error() -> None:
    mixed = "st\u0435am"  # the third letter is Cyrillic
    dictionary = Dictionary()
    dictionary.add(["steam", "стиам", mixed, "2021", "@tr"])
    assert dictionary.mend("staem", 4) == ["steam"]
    assert dictionary.mend("стим", 4) == ["стиам"]
    assert (dictionary.mend(mixed, 4), dictionary.mend("steam", 4)) == (["steam"], [mixed])
    assert dictionary.mend("202", 4) == []
