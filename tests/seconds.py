"""Seconds by folder at the end of a run; a test that takes too long fails."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import pytest

_BUDGET = 2.0
_SLACK = 2.0
"""More test processes than cores share a machine, and the load average tells of it a minute late."""
_LONG = ("tests/resilience/", "tests/deployment/", "tests/browser/")
"""Where processes and browsers are started; elsewhere the mark ``long`` says why a test takes more."""
_CPU = "cpu_seconds"
_STARTED = pytest.StashKey[float]()


def _slowness() -> float:
    """How much longer this machine needs than the one that the budget was set on, never below 1."""
    return max(1.0, *(min(_timed(work) for _ in range(3)) / usual for work, usual in _FIXED_WORK.items()))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _digests() -> None:
    hashlib.pbkdf2_hmac("sha256", b"souk", b"souk", 20_000)


def _objects() -> None:
    # What tests do most, and where machines differ more than in arithmetic.
    dict.fromkeys(str(number) for number in range(50_000))


_FIXED_WORK: Final = {_digests: 0.012, _objects: 0.007}
"""Work that is the same everywhere, and the seconds that it took there."""


def stretched(seconds: float) -> float:
    """More ``seconds`` on a slow machine and where other programs run: neither makes a test red."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * _slowness() * max(1.0, load)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure the processor time of a whole test: setup, call and teardown."""
    item.stash[_STARTED] = time.process_time()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turn a test over its budget red; give the processor time to the process that prints."""
    report = yield
    if call.when == "teardown":
        report.user_properties.append((_CPU, time.process_time() - item.stash[_STARTED]))
    if call.when == "call" and report.passed and _measured(item) and call.duration > _BUDGET:
        budget = stretched(_BUDGET * _SLACK)
        if call.duration > budget:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} took {call.duration:.1f} s, over the budget of {budget:.1f} s a test"
    return report


def _measured(item: pytest.Item) -> bool:
    return not item.nodeid.startswith(_LONG) and item.get_closest_marker("long") is None


def _folder(nodeid: str) -> str:
    return "/".join(nodeid.split("::", maxsplit=1)[0].split("/")[1:-1][:2]) or "."


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds of each folder, all test processes together."""
    tests: Counter[str] = Counter()
    wall: Counter[str] = Counter()
    cpu: Counter[str] = Counter()
    for reports in list(terminalreporter.stats.values()):
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = _folder(report.nodeid)
                tests[folder] += report.when == "call"
                wall[folder] += report.duration
                cpu[folder] += sum(value for name, value in report.user_properties if name == _CPU)
    if not tests:
        return
    terminalreporter.section("seconds by folder")
    for folder, seconds in wall.most_common():
        terminalreporter.write_line(f"{folder:<32}{tests[folder]:>6} tests {seconds:>8.1f} s {cpu[folder]:>8.1f} s cpu")
