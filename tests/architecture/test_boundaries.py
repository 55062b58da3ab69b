"""What import-linter's layers can't say: who sees which part of a slice. Slices may be files or packages inside."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import grimp
import pytest

_PRIVATE: Final = frozenset({"repository", "models"})
_ROOTS: Final = frozenset({"backend.bootstrap", "backend.worker", "backend.cli", "backend.demo"})
_SPOKEN: Final = frozenset({"types", "errors", "words"})
_FROM_ABOVE: Final = _SPOKEN | {"service", "deck"}
_FROM_BESIDE: Final = _SPOKEN | {"domain"}
_NO_SLICES: Final = frozenset(
    {"kernel", "infra", "bootstrap", "limits", "metadata", "worker", "cli", "demo", "locales"}
)
_PYPROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"

_SELLERS: Final = frozenset({"courses", "readings", "community"})
"""Slices that sell through orders, which know none of them."""

_TEMPLATES: Final = _PYPROJECT.parent / "webapp" / "templates"
_SHARED: Final = frozenset({"core", "macros", "layouts", "sheets", "errors"})
"""Folders of webapp and of its templates that are no slice."""
_NEIGHBOURS: Final[dict[str, set[str]]] = {
    "admin": {"identity", "orders", "payments", "support", "wallet"},
    "certificates": {"courses"},
    "courses": {"community", "identity"},
    "growth": {"catalog", "identity", "payments"},
    "identity": {"growth", "orders", "payments", "wallet"},
    "orders": {"approvals", "catalog", "courses", "identity", "payments", "readings"},
    "payments": {"admin", "approvals", "identity", "orders"},
    "wallet": {"admin", "payments"},
}
"""The slices of webapp whose pages or screens a slice shows as a part of its own. A new pair is a decision."""
_INCLUDE: Final = re.compile(r'{% (?:extends|include|import|from) "(\w+)/')

Imports = set[tuple[str, str]]


def _slice(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _is_of_slice(module: str) -> bool:
    top, _, rest = module.partition(".")
    return top == "backend" and rest.split(".")[0] not in _NO_SLICES


def _part(module: str) -> str:
    """The part of a slice that a module lies in: ``repository`` for backend.payments.repository.refunds."""
    return (module.split(".") + [""] * 3)[2]


def _imports(graph: grimp.ImportGraph) -> Imports:
    return {
        (importer, name)
        for name in graph.modules
        if name.startswith("backend.")
        for importer in graph.find_modules_that_directly_import(name)
    }


def _strangers_to_tables(imports: Imports) -> Imports:
    return {
        (importer, name)
        for importer, name in imports
        if _part(name) in _PRIVATE and _slice(importer) != _slice(name) and importer != "backend.metadata"
    }


def _callers_from_beside(imports: Imports) -> Imports:
    return {
        (importer, name)
        for importer, name in imports
        if _part(name) == "service"
        and importer.startswith("backend.")
        and _slice(importer) not in {_slice(name), *_ROOTS}
    }


def _nosy_slices(imports: Imports) -> Imports:
    return {
        (importer, name)
        for importer, name in imports
        if _is_of_slice(importer)
        and _is_of_slice(name)
        and _slice(importer) != _slice(name)
        and _part(name) not in _FROM_BESIDE
    }


def _nosy_delivery(imports: Imports) -> Imports:
    return {
        (importer, name)
        for importer, name in imports
        if not importer.startswith("backend.") and _is_of_slice(name) and _part(name) not in _FROM_ABOVE
    }


def _seen_fulfillers(imports: Imports) -> Imports:
    """Imports by orders of a fulfiller, or of a slice that sells through orders."""
    return {
        (importer, name)
        for importer, name in imports
        if _slice(importer) == "backend.orders"
        and (_part(name) == "fulfilment" or _slice(name).removeprefix("backend.") in _SELLERS)
    }


def _uninvited_neighbours(graph: grimp.ImportGraph) -> Imports:
    """Imports between two slices of webapp that _NEIGHBOURS does not allow, or of another's hooks or API."""
    return {
        (importer, name)
        for name in graph.modules
        for importer in graph.find_modules_that_directly_import(name)
        if _is_of_webapp_slice(importer) and _is_of_webapp_slice(name) and _slice(importer) != _slice(name)
        if name.split(".")[1] not in _NEIGHBOURS.get(importer.split(".")[1], set()) or _part(name) in {"hooks", "api"}
    }


def _is_of_webapp_slice(module: str) -> bool:
    top, _, rest = module.partition(".")
    return top == "webapp" and rest.count(".") > 0 and rest.split(".")[0] not in _SHARED


def _uninvited_includes(templates: dict[str, str]) -> set[tuple[str, str]]:
    """Templates (by path) that use a template of a slice that _NEIGHBOURS does not allow."""
    return {
        (path, folder)
        for path, text in templates.items()
        for folder in _INCLUDE.findall(text)
        if folder not in {path.split("/")[0], *_SHARED, *_NEIGHBOURS.get(path.split("/")[0], set())}
    }


def _placed_parts() -> set[str]:
    """The parts of a slice that the contract "Inside a slice, imports point down" names."""
    contracts = tomllib.loads(_PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    inside = next(contract for contract in contracts if contract.get("containers"))
    return set(re.findall(r"\w+", " ".join(inside["layers"])))


@pytest.fixture(scope="module")
def imports() -> Imports:
    """Every import of something in the backend."""
    return _imports(grimp.build_graph("backend", "webapp", "bot", cache_dir=None))


def test_nobody_sees_another_slices_tables(imports: Imports) -> None:
    """``repository`` and ``models`` are private to their slice; the metadata module is the one exception."""
    assert {name for _, name in imports if _part(name) in _PRIVATE}
    assert _strangers_to_tables(imports) == set()


def test_no_slice_calls_another_slices_use_cases(imports: Imports) -> None:
    """A service opens transactions, so a slice that called another's would split one business write in two."""
    assert {name for _, name in imports if _part(name) == "service"}
    assert _callers_from_beside(imports) == set()


def test_from_beside_a_slice_is_seen_by_its_domain(imports: Imports) -> None:
    """And by its types, errors and words: its rules, ports and gateways are its own."""
    assert _nosy_slices(imports) == set()


def test_orders_see_no_fulfiller(imports: Imports) -> None:
    """They reach them by the registry alone, so that a new kind of goods changes nothing in orders."""
    assert {importer for importer, name in imports if _part(name) == "fulfilment"} == {"backend.bootstrap"}
    assert _seen_fulfillers(imports) == set()


def test_orders_are_forbidden_every_slice_that_sells() -> None:
    contracts = tomllib.loads(_PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    orders = next(contract for contract in contracts if contract.get("source_modules") == ["backend.orders"])
    sellers = {f"backend.{name}" for name in _SELLERS if (_PYPROJECT.parent / "backend" / name).exists()}
    assert set(orders["forbidden_modules"]) == {"backend.*.fulfilment", *sellers}


def test_delivery_sees_services_types_errors_and_words_only(imports: Imports) -> None:
    """What the pages and the chat decide with stands behind a service."""
    assert _nosy_delivery(imports) == set()


def test_a_slice_of_webapp_sees_only_the_neighbours_that_it_shows() -> None:
    graph = grimp.build_graph("webapp", cache_dir=None)
    assert _uninvited_neighbours(graph) == set()
    used = {
        (importer.split(".")[1], name.split(".")[1])
        for name in filter(_is_of_webapp_slice, graph.modules)
        for importer in filter(_is_of_webapp_slice, graph.find_modules_that_directly_import(name))
    }
    allowed = {(name, other) for name, others in _NEIGHBOURS.items() for other in others}
    assert allowed - used == set(), "no longer used: take it out"


def test_a_template_uses_its_own_slice_the_shared_ones_and_neighbours() -> None:
    templates = {path.relative_to(_TEMPLATES).as_posix(): path.read_text() for path in _TEMPLATES.rglob("*.html")}
    # The cell of an order, which lists of several slices show, has the badge of its status.
    assert _uninvited_includes(templates) == {("macros/admin_rows.html", "orders")}


def test_webapp_core_is_forbidden_every_slice() -> None:
    contracts = tomllib.loads(_PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    core = next(contract for contract in contracts if contract.get("source_modules") == ["webapp.core"])
    slices = {path.parent.name for path in (_TEMPLATES.parent).glob("*/__init__.py")} - _SHARED
    assert set(core["forbidden_modules"]) == {f"webapp.{name}" for name in slices}


def test_an_uninvited_neighbour_is_seen() -> None:
    graph = grimp.ImportGraph()
    graph.add_import(importer="webapp.catalog.routes", imported="webapp.orders.screens.orders")
    graph.add_import(importer="webapp.orders.routes.checkout", imported="webapp.payments.hooks")
    graph.add_import(importer="webapp.orders.routes.checkout", imported="webapp.payments.screens.methods")
    graph.add_import(importer="webapp.routers", imported="webapp.payments.hooks")
    assert _uninvited_neighbours(graph) == {
        ("webapp.catalog.routes", "webapp.orders.screens.orders"),
        ("webapp.orders.routes.checkout", "webapp.payments.hooks"),
    }
    text = '{% from "macros/x.html" import x %}{% include "orders/_key.html" %}'
    assert _uninvited_includes({"catalog/home.html": text, "orders/detail.html": text}) == {
        ("catalog/home.html", "orders")
    }


def test_every_file_of_a_slice_has_its_layer(imports: Imports) -> None:
    """The contract says nothing of a file that it does not name."""
    parts = {_part(name): name for pair in imports for name in pair if _is_of_slice(name) and _part(name)}
    assert {part: name for part, name in parts.items() if part not in _placed_parts()} == {}


@pytest.mark.parametrize(
    ("importer", "name", "judge"),
    [
        ("backend.orders.service.settlement", "backend.payments.repository.transfers", _strangers_to_tables),
        ("backend.orders.domain", "backend.payments.repository", _strangers_to_tables),
        ("webapp.wallet.routes", "backend.wallet.models", _strangers_to_tables),
        ("backend.growth.tasks", "backend.payments.service.refunds", _callers_from_beside),
        ("backend.infra.relay", "backend.payments.service", _callers_from_beside),
        ("backend.growth.service.bonuses", "backend.payments.rules", _nosy_slices),
        ("webapp.payments.admin.deposits", "backend.payments.rules", _nosy_delivery),
        ("backend.orders.domain.lines", "backend.catalog.fulfilment.unique_keys", _seen_fulfillers),
        ("backend.orders.service.checkout", "backend.courses.domain", _seen_fulfillers),
        ("bot.handlers.payments", "backend.payments.gateways.telegram_api", _nosy_delivery),
    ],
)
def test_a_trespass_is_seen_in_a_file_and_in_a_package(
    importer: str, name: str, judge: Callable[[Imports], Imports]
) -> None:
    """The tests above were blind once, when slices became packages."""
    graph = grimp.ImportGraph()
    graph.add_import(importer=importer, imported=name)
    graph.add_import(importer="backend.payments.service.refunds", imported="backend.payments.repository.refunds")
    assert judge(_imports(graph)) == {(importer, name)}
