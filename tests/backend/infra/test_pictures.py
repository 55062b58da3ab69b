"""Of a picture only the picture stays, exactly as it looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.infra.pictures import without_metadata
from tests.factories.pictures import PICTURES


@pytest.mark.parametrize("name", PICTURES)
def test_only_the_picture_stays(name: str) -> None:
    mime, given_file, shown = PICTURES[name]
    assert without_metadata(given_file, mime) == shown
    assert without_metadata(shown, mime) == shown


@given(st.sampled_from(sorted(PICTURES)), st.data())
def test_of_a_damaged_picture_stays_what_can_be_read(name: str, data: st.DataObject) -> None:
    mime, whole, _ = PICTURES[name]
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for place in data.draw(st.lists(st.integers(0, len(broken)), max_size=6)):
        broken[place : place + 1] = data.draw(st.binary(min_size=1, max_size=4))
    shown = without_metadata(bytes(broken), mime)
    assert len(shown) <= len(broken) + 64
