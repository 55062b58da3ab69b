"""Every action that the code records has words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from webapp.identity.screens.audit_words import ACTIONS, GROUPS

BACKEND = Path(__file__).parents[3] / "backend"
_ACTION = re.compile(r"[a-z_]+\.[a-z_]*[a-z]")


def _recorded() -> Iterator[tuple[str, str]]:
    """Where an action is recorded, and its name; of a composed name the part before what is put in."""
    for path in sorted(BACKEND.rglob("*.py")):
        source = path.read_text()
        if "audit.record(" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "record" and getattr(node.func.value, "id", "") == "audit" and len(node.args) > 2:
                action = node.args[2]
                if isinstance(action, ast.Constant):
                    yield path.name, str(action.value)
                elif isinstance(action, ast.JoinedStr) and isinstance(action.values[0], ast.Constant):
                    yield path.name, f"{action.values[0].value}*"
                else:  # a variable: the names that stand in this file
                    names = (item.value for item in ast.walk(ast.parse(source)) if isinstance(item, ast.Constant))
                    areas = {known.partition(".")[0] for known in ACTIONS}
                    for name in names:
                        if isinstance(name, str) and _ACTION.fullmatch(name) and name.partition(".")[0] in areas:
                            yield path.name, name


def test_every_recorded_action_has_words() -> None:
    recorded = set(_recorded())
    assert len(recorded) > 60
    missing = [
        f"{where}: {action}"
        for where, action in sorted(recorded)
        if not any(known == action or (action.endswith("*") and known.startswith(action[:-1])) for known in ACTIONS)
    ]
    assert missing == []


def test_what_a_service_records_by_a_helper_of_its_own_has_words() -> None:
    named = set()
    for path in sorted(BACKEND.rglob("service/*.py")):
        source = path.read_text()
        for area in re.findall(r'f"(\w+)\.\{(?:action|verb)\}"', source):
            for call in re.findall(r"_record\(\s*tx, actor, ([^,)]+)", source):
                named |= {f"{area}.{verb}" for verb in re.findall(r'"(\w+)"', call)}
    assert len(named) > 10
    assert sorted(named - ACTIONS.keys()) == []
    assert {f"catalogue.{verb}_{kind}" for verb in ("archive", "restore") for kind in ("product", "variant")} <= set(
        ACTIONS
    )


def test_every_action_belongs_to_one_group_of_the_filter() -> None:
    areas = [area for _words, members in GROUPS.values() for area in members]
    assert len(areas) == len(set(areas))
    assert {action.partition(".")[0] for action in ACTIONS} <= set(areas)
