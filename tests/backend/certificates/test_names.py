"""Names and codes: what falls away, what is refused, what is read."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.certificates.rules import codes, naming
from backend.certificates.types import grouped
from backend.infra import typography
from backend.kernel.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Layla \t Ahmed\n", "Layla Ahmed"),
        ("Layla\u202e demhA\u202c", "Layla demhA"),
        ("\u2066Layla\u2069\u200e\u200f\ufeff\u00ad", "Layla"),
        ("Lay\x00la\x1b[31m", "Layla[31m"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("\u200c\u200dЛев\u200d", "Лев"),
        ("Zoe\u0308", "Zoë"),
        ("Z" + "\u0336" * 40 + "oe", "Z" + "\u0336" * 3 + "oe"),
        ("لَيْلَىٰ", "لَيْلَىٰ"),
        ("A\u2028B\u00a0C", "A B C"),
        ("\ud800A", "A"),
    ],
)  # fmt: skip
def test_what_falls_away(typed: str, name: str) -> None:
    assert typography.clean(typed) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("name", "code", "signs"),
    [
        ("", "required", None), ("42 !", "required", None), ("a" * 201, "too_long", None),
        ("张伟", "unprintable", "张伟"), ("Layla 🎓", "unprintable", "🎓"), ("Anna 张 Li", "unprintable", "张"),
        ("नीता", "unprintable", "नीता"), ("שרה", "unprintable", "שרה"), ("ا\u0336", "unprintable", "ا\u0336"),
    ],
)  # fmt: skip
def test_what_is_refused(name: str, code: str, signs: str | None) -> None:
    with pytest.raises(Invalid) as refusal:
        naming.check_name(typography.clean(name))
    assert refusal.value.fields == {"name": code}
    assert refusal.value.params.get("signs") == signs


@pytest.mark.parametrize(
    "name",
    [
        "Jean-Luc O’Neill Jr.", "Nguyễn Thị Ánh", "Ştefan Țăranu", "Łukasz Żółć", "Ελένη Παπαδοπούλου", "Ёлкина-Щипач",
        "محمد بن عبد الله", "فرهاد پژمان گچکار", "علی‌رضا", "ٱلرَّحْمٰن",
        "Олександр Їжак", "Қазыбек Әбілқасым", "A" * 200, "Щ" * 200,
    ],
)  # fmt: skip
def test_what_is_printed(name: str) -> None:
    naming.check_name(typography.clean(name))


@given(st.text(max_size=300))
def test_no_text_breaks_it(typed: str) -> None:
    name = typography.clean(typed)
    assert typography.clean(name) == name
    assert not re.search("[\\x00-\\x1f\\x7f-\\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", name)
    assert typography.unprintable(typography.printable(name)) == ""
    assert typography.breakable(name).replace("\u200b", "").replace("\u200d", "") == name.replace("\u200d", "")


def test_a_long_word_may_go_on_in_the_next_line() -> None:
    assert typography.breakable("W" * 32) == "W" * 32
    assert typography.breakable("W" * 45) == "\u200b".join(["W" * 20, "W" * 20, "W" * 5])
    assert typography.breakable("ب" * 45).count("\u200d\u200b\u200d") == 2


def test_the_direction_is_that_of_the_first_letter() -> None:
    assert [typography.direction(text) for text in ("12 ليلى", "Layla ليلى", "«ليلى» Ahmed", "42")] == [
        "rtl",
        "ltr",
        "rtl",
        "ltr",
    ]


def test_codes_are_random_and_read_as_they_are_typed() -> None:
    many = {codes.new_code() for _ in range(1000)}
    assert len(many) == 1000
    code = next(iter(many))
    for typed in (
        code,
        grouped(code),
        grouped(code).lower(),
        f" {grouped(code)} ",
        code.replace("0", "O").replace("1", "l"),
    ):
        assert codes.read_code(typed) == code
    for typed in ("", "0" * 15, "0" * 17, "U" * 16, "../" * 8, "0" * 10_000):
        assert codes.read_code(typed) is None
