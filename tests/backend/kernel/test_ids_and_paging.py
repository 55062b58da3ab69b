"""Short numbers never meet, cursors come back as they left."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.errors import Invalid
from backend.kernel.ids import (
    Numbering,
    NumberPart,
    new_id,
    number_signs,
    parse_number_part,
    parse_short_number,
    short_number,
)
from backend.kernel.paging import decode_cursor, encode_cursor
from backend.kernel.text import Locale, fold, pick
from backend.orders.rules import numbers_in, order_number, parse_order_number, parse_order_part
from backend.payments.rules import parse_reference_part
from backend.payments.types import parse_reference, reference_of


@given(st.integers(0, 2**30 - 1))
def test_a_short_number_is_reversible(sequence: int) -> None:
    assert parse_short_number(short_number(sequence)) == sequence
    assert parse_short_number(short_number(sequence).lower()) == sequence


@given(st.integers(0, 2**30 - 1))
def test_a_payments_number_is_reversible_too(sequence: int) -> None:
    number = short_number(sequence, Numbering.PAYMENTS)
    assert parse_short_number(number, Numbering.PAYMENTS) == sequence


@given(st.integers(1, 2**29 - 1), st.integers(1, 2**29 - 1))
def test_no_number_is_an_orders_and_a_payments(order: int, payment: int) -> None:
    assert short_number(order) != short_number(payment, Numbering.PAYMENTS)


@given(st.integers(0, 2**30 - 1), st.integers(0, 5), st.integers(1, 6))
def test_a_part_of_a_number_is_where_it_says(sequence: int, at: int, signs: int) -> None:
    number = short_number(sequence)
    part = parse_number_part(number[at : at + signs])
    assert part is not None
    bits = (sequence * Numbering.ORDERS) % 2**30
    assert any((bits >> shift) % 2 ** (5 * part.signs) == part.bits for shift in part.shifts)


def test_look_alike_letters_are_forgiven() -> None:
    assert parse_short_number("OOIL00") == parse_short_number("001100")


@pytest.mark.parametrize("text", ["", "4K7Q2", "4K7Q2MM", "4K7Q2!", "٤K7Q2M", "U00000"])
def test_what_is_no_short_number(text: str) -> None:
    assert parse_short_number(text) is None


@pytest.mark.parametrize("sign", ["ß", "ﬆ", "ŉ", "İ"])
def test_a_letter_that_has_two_capitals_is_in_no_number(sign: str) -> None:
    assert parse_number_part(sign) is None
    assert number_signs(sign, "S") != "SS"


@pytest.mark.parametrize("sequence", [-1, 2**30])
def test_outside_the_range(sequence: int) -> None:
    with pytest.raises(ValueError, match="30 bits"):
        short_number(sequence)


def test_ids_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert ids[0].version == 7


@given(st.tuples(st.integers(-(2**62), 2**62), st.uuids()))
def test_a_cursor_comes_back(key: tuple[int, UUID]) -> None:
    assert decode_cursor(encode_cursor(key), tuple[int, UUID]) == key


@given(st.text())
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        decode_cursor("!" + cursor, tuple[int, UUID])


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("ar-EG", Locale.AR), ("RU", Locale.RU), ("pt_BR", Locale.EN), (None, Locale.EN), ("", Locale.EN)],
)
def test_the_closest_language(tag: str | None, expected: Locale) -> None:
    assert Locale.closest(tag) is expected


def test_pick_falls_back_to_english_then_to_anything() -> None:
    assert pick({"en": "a", "ar": "ب"}, Locale.AR) == "ب"
    assert pick({"en": "a", "ar": ""}, Locale.AR) == "a"
    assert pick({"ru": "я"}, Locale.AR) == "я"
    assert pick({}, Locale.AR) == ""
    assert fold("  a \n b ") == "a b"


@given(st.integers(0, 2**30 - 1))
def test_a_number_is_read_however_it_is_typed(sequence: int) -> None:
    order, payment = order_number(sequence), reference_of(sequence)
    for typed in _typed(order):
        assert parse_order_number(typed) == sequence, typed
        assert parse_reference(typed) is None, typed
    for typed in _typed(payment):
        assert parse_reference(typed) == sequence, typed
        assert parse_order_number(typed) is None, typed
    for said in (
        order,
        order.replace("-", "–"),
        order.translate(_PERSIAN),
        f"«{order}».",
        f"{order[:4]}\u200f{order[4:]}",
    ):
        assert numbers_in(f"my sending {said}, please") == [sequence], said


_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def _typed(number: str) -> list[str]:
    return [
        number, number.lower(), number.translate(_PERSIAN), f"\u200e{number}\u200f", f"“{number}”", f"«{number}».",
        f"#{number}", number.replace("-", "\u2011"), number.replace("-", " "), number.replace("-", ""),
        f"{number[:5]}\u200b{number[5:]}",
    ]  # fmt: skip


@pytest.mark.parametrize(("parse", "letter"), [(parse_order_part, "S"), (parse_reference_part, "D")])
def test_the_beginning_of_a_number_is_read_however_it_is_typed(
    parse: Callable[[str], NumberPart | None], letter: str
) -> None:
    meant = parse(f"{letter}-4K7")
    assert meant is not None
    assert meant.first
    for typed in (f"“{letter}-4k7”", f"\u200f{letter}–۴K7.", f"#{letter}-4K7"):
        assert parse(typed) == meant, typed
    for nothing in ("", "-", f"{letter}-", "“”", f"{letter}am Lee"):
        assert parse(nothing) is None, nothing
