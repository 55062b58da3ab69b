"""Range headers, as browsers and worse send them."""

from __future__ import annotations

import pytest

from webapp.core.ranges import Range, Unsatisfiable, asked_range


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        (None, None),
        ("bytes=0-1", Range(0, 1)),
        ("bytes=0-", Range(0, 99)),
        ("bytes=90-", Range(90, 99)),
        ("bytes=90-500", Range(90, 99)),
        ("bytes=-10", Range(90, 99)),
        ("bytes=-500", Range(0, 99)),
        ("Bytes = 5 - 5", Range(5, 5)),
        ("bytes=99-99", Range(99, 99)),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_a_range_of_a_hundred_bytes(header: str | None, asked: Range | None) -> None:
    assert asked_range(header, 100) == asked


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999999-"])
def test_a_range_outside_the_file(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        asked_range(header, 100)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1"])
def test_an_empty_file_has_no_range(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        asked_range(header, 0)
