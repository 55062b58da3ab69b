"""How xdist starts the test processes, and which tests one of them runs because they share what takes seconds.

xdist has the mark ``xdist_group`` for this, which does nothing with pytest 9.2: xdist 3.8 sets a field of the test that
pytest no longer reads. The file of a test decides here.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.warm.testers import warm_python

GROUPS = {
    "tests/browser/test_accessibility.py": "a world is made",
    "tests/browser/test_weight.py": "a world is made",
    "tests/webapp/core/test_languages.py": "every screen is rendered",
    "tests/architecture/test_translations.py": "all messages are extracted",
    "tests/architecture/test_words.py": "all messages are extracted",
}

_LONG = 100
_LONGEST_NAME = 1000


def group_of(nodeid: str) -> str:
    """The group of a test: what is prepared for it, else the test itself.

    A world has one language, and the walks over its screens are the longest tests: one for each process.
    """
    file, _, test = nodeid.partition("::")
    group = GROUPS.get(file, nodeid)
    return f"{group} in Arabic" if file.startswith("tests/browser/") and group != nodeid and "[ar" in test else group


class Together(LoadScopeScheduling):
    """Gives each group of tests to one process, the largest group first, and other tests one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Count a test as done, and forget a group that is done: xdist would look through all of them each time."""
        nodeid = self.registered_collections[node][item_index]
        assigned, group = self.assigned_work[node], group_of(nodeid)
        assigned[group][nodeid] = True
        if all(assigned[group].values()):
            del assigned[group]
        self._reschedule(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together | None:
    """Schedule by groups where ``--dist loadgroup`` asks for it."""
    return Together(config, log) if config.getoption("dist") == "loadgroup" else None  # type: ignore[arg-type]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long value by its length."""
    return f"{argname}-of-{len(val)}" if isinstance(val, bytes | str) and len(val) > _LONG else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse long names: xdist hands each one on a dozen times, and one had 50 MB."""
    for item in items:
        if len(item.nodeid) > _LONGEST_NAME:
            raise pytest.UsageError(f"the name of a test has {len(item.nodeid)} characters: {item.nodeid[:200]}")


def pytest_configure(config: pytest.Config) -> None:
    """Have xdist start processes that have imported the tests already, where some can be had."""
    python = warm_python()
    if python and getattr(config.option, "tx", None):
        config.option.tx = [f"popen//python={python}"] * len(config.option.tx)
