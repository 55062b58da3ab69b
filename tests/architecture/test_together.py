"""Tests that share something expensive are given to one test process."""

from __future__ import annotations

from pathlib import Path

from tests.processes import ROOT
from tests.together import GROUPS, group_of


def test_a_group_is_what_its_tests_share() -> None:
    words, extracted = "tests/architecture/test_words.py", "tests/architecture/test_translations.py"
    assert group_of(f"{words}::test_a[x]") == group_of(f"{extracted}::test_b") == "all messages are extracted"
    alone = "tests/webapp/core/test_way_in.py::test_c"
    assert group_of(alone) == alone


def test_every_file_of_a_group_exists() -> None:
    assert all(Path(ROOT, file).is_file() for file in GROUPS)
