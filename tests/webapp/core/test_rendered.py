"""Rendered pages with gaps for what is each reader's own."""

import pytest

from webapp.core.rendered import RenderedPages, filled


def test_addresses_stand_in_their_gaps() -> None:
    pages = RenderedPages()
    assert pages.get("a") is None
    parts = pages.put("a", f"<{pages.gap(0)}> é <{pages.gap(1)}>-")
    assert pages.get("a") is parts
    assert filled(parts, [b"x", b"y"]).decode() == "<x> é <y>-"
    assert filled(pages.put("b", "no gap"), []) == b"no gap"


def test_a_page_is_not_sent_with_other_addresses_than_it_has_gaps() -> None:
    parts = RenderedPages().put("a", f"<{RenderedPages.gap(0)}>")
    for addresses in ([], [b"x", b"y"]):
        with pytest.raises(ValueError, match="gaps"):
            filled(parts, addresses)


def test_what_was_not_asked_for_longest_goes_first() -> None:
    pages = RenderedPages(max_bytes=25)
    pages.put("a", "x" * 10)
    pages.put("b", "x" * 10)
    assert pages.get("a")
    pages.put("c", "x" * 10)
    assert [key for key in "abc" if pages.get(key)] == ["a", "c"]
    pages.put("huge", "x" * 26)
    assert not any(pages.get(key) for key in ("a", "c", "huge"))
