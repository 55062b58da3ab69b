"""A video from a phone tells neither place nor time, and nothing in it moves."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.courses.rules.mp4 import list_telling
from tests.factories.videos import VIDEOS


def _shown(data: bytes) -> bytes:
    changed = bytearray(data)
    for one in list_telling(io.BytesIO(data), len(data)):
        written = one.data + bytes(one.zeros)
        changed[one.place : one.place + len(written)] = written
    return bytes(changed)


@pytest.mark.parametrize("name", VIDEOS)
def test_what_tells_more_than_the_film_is_overwritten(name: str) -> None:
    video, shown = VIDEOS[name]
    assert _shown(video) == _shown(shown) == shown


@given(st.sampled_from(sorted(VIDEOS)), st.data())
def test_a_damaged_video_keeps_its_size(name: str, data: st.DataObject) -> None:
    whole, _ = VIDEOS[name]
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for place in data.draw(st.lists(st.integers(0, len(broken)), max_size=6)):
        broken[place : place + 1] = data.draw(st.binary(min_size=1, max_size=4))
    shown = _shown(bytes(broken))
    assert len(shown) == len(broken)
    assert _shown(shown) == shown
