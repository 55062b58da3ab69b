"""What import-linter's layers can't say: nobody sees another slice's tables or use cases."""

from __future__ import annotations

import grimp
import pytest

_INSIDE = ("repository", "models")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import of the product."""
    return grimp.build_graph("backend", "webapp", "bot", cache_dir=None)


def _slice(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_nobody_sees_another_slices_tables(graph: grimp.ImportGraph) -> None:
    """``repository`` and ``models`` are private to their slice; the metadata module is the one exception."""
    private = [name for name in graph.modules if name.startswith("backend.") and name.split(".")[-1] in _INSIDE]
    assert private
    trespassers = {
        (importer, name)
        for name in private
        for importer in graph.find_modules_that_directly_import(name)
        if _slice(importer) != _slice(name) and importer != "backend.metadata"
    }
    assert trespassers == set()


def test_no_slice_calls_another_slices_use_cases(graph: grimp.ImportGraph) -> None:
    """A service opens transactions, so a slice that called another's would split one business write in two."""
    roots = {"backend.bootstrap", "backend.worker", "backend.cli", "backend.demo"}
    services = [name for name in graph.modules if name.startswith("backend.") and name.endswith(".service")]
    assert services
    trespassers = {
        (importer, name)
        for name in services
        for importer in graph.find_modules_that_directly_import(name)
        if importer.startswith("backend.") and _slice(importer) not in {_slice(name), *roots}
    }
    assert trespassers == set()
