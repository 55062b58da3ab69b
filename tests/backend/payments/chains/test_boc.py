"""The reader of TON's comments: what another library wrote, and whatever else may stand there."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import begin_cell

from backend.payments.gateways.usdt_boc import read_comment
from tests.fakes.chain_apis import comment_boc

PRINTABLE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=120)


@given(PRINTABLE)
def test_what_was_written_is_read(comment: str) -> None:
    assert read_comment(comment_boc(comment)) == comment


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("crc", [False, True])
def test_all_forms_of_a_bag_are_read(index: bool, crc: bool) -> None:
    cell = begin_cell().store_uint(0, 32).store_snake_string("خلاصة " * 15).end_cell()
    boc = cell.to_boc(has_idx=index, hash_crc32=crc)
    assert read_comment(base64.b64encode(boc).decode()) == ("خلاصة " * 15).strip()


def test_another_opcode_or_half_a_byte_is_no_text() -> None:
    for cell in (
        begin_cell().store_uint(1, 32).store_snake_string("text").end_cell(),
        begin_cell().store_uint(0, 33).end_cell(),
        begin_cell().store_uint(0, 16).end_cell(),
        begin_cell().end_cell(),
    ):
        assert read_comment(base64.b64encode(cell.to_boc()).decode()) == ""


@given(st.binary(max_size=300))
def test_nothing_at_all_makes_it_fail(data: bytes) -> None:
    assert isinstance(read_comment(base64.b64encode(data).decode()), str)
    assert isinstance(read_comment(base64.b64encode(b"\xb5\xee\x9c\x72" + data).decode()), str)


@given(st.data())
def test_a_spoiled_bag_makes_it_fail_no_more(data: st.DataObject) -> None:
    boc = bytearray(base64.b64decode(comment_boc("4K7Q2MX7P " * 30)))
    for _ in range(data.draw(st.integers(1, 4))):
        boc[data.draw(st.integers(0, len(boc) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(read_comment(base64.b64encode(bytes(boc)).decode()), str)
