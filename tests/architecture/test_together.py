"""Tests that share something expensive are given to one test process."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.processes import ROOT
from tests.together import GROUPS, Together, group_of


class _Node:
    """A test process, as the scheduler knows it."""

    shutting_down = False
    gateway = SimpleNamespace(id="gw")

    def __init__(self) -> None:
        self.tests: deque[int] = deque()

    def send_runtest_some(self, tests: list[int]) -> None:
        self.tests.extend(tests)

    def shutdown(self) -> None:
        self.shutting_down = True


def test_a_group_is_what_its_tests_share() -> None:
    words, extracted = "tests/architecture/test_words.py", "tests/architecture/test_translations.py"
    assert group_of(f"{words}::test_a[x]") == group_of(f"{extracted}::test_b") == "all messages are extracted"
    alone = "tests/webapp/core/test_way_in.py::test_c"
    assert group_of(alone) == alone
    walk, focus = (
        "tests/browser/test_accessibility.py::test_nothing_is_found",
        "tests/browser/test_weight.py::test_jumps",
    )
    assert group_of(f"{walk}[en-light]") == group_of(f"{focus}[en]") != group_of(f"{walk}[ar-dark]")
    assert group_of(f"{walk}[ar-dark]") == group_of(f"{focus}[ar]")


def test_every_file_of_a_group_exists() -> None:
    assert all(Path(ROOT, file).is_file() for file in GROUPS)


def test_every_test_runs_once_a_group_in_one_process_and_what_is_done_is_forgotten(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytestconfig.option, "tx", ["2*popen"], raising=False)
    monkeypatch.setattr(pytestconfig.option, "loadscopereorder", True, raising=False)
    grouped = [f"tests/architecture/test_words.py::test_{number}" for number in range(5)]
    tests = [f"tests/test_a.py::test_{number}" for number in range(20)] + grouped
    scheduler: Any = Together(pytestconfig)
    nodes = [_Node(), _Node()]
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, tests)
    scheduler.schedule()
    ran: list[list[str]] = [[], []]
    while any(node.tests for node in nodes):
        for node, done in zip(nodes, ran, strict=True):
            if node.tests:
                one = node.tests.popleft()
                scheduler.mark_test_complete(node, one)
                done.append(tests[one])
    assert sorted(ran[0] + ran[1]) == sorted(tests) and min(map(len, ran)) >= 5
    assert any(set(grouped) <= set(done) for done in ran)
    assert scheduler.tests_finished and not any(scheduler.assigned_work.values())
    assert all(node.shutting_down for node in nodes)
