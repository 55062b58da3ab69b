"""The same draws in Python, in the page's JavaScript, and in the script that people run at home."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from backend.readings.rules import drawing
from backend.readings.types import ReadingId, SpreadId

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "webapp" / "static"
VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/draws.json").read_text())
_NODE = """
import { readFileSync } from "fs";
const source = readFileSync(process.argv[2]).toString("base64");
const draw = await import("data:text/javascript;base64," + source);
const proofs = JSON.parse(readFileSync(0));
console.log(JSON.stringify(proofs.map(draw.check)));
"""


def _by_node(folder: Path, proofs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the page's JavaScript says of proofs; Node comes with the tests' blockchain."""
    script = folder / "check.mjs"
    script.write_text(_NODE)
    command = ["node", str(script), str(STATIC / "fair-draw.js")]
    done = subprocess.run(command, input=json.dumps(proofs), capture_output=True, text=True, check=True, timeout=60)
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def test_there_are_twenty_and_they_differ() -> None:
    assert len(VECTORS) == 20
    assert len({tuple(vector["order"]) for vector in VECTORS}) == 20
    assert {vector["reversed_cards"] for vector in VECTORS} == {True, False}


@pytest.mark.parametrize("vector", VECTORS, ids=range(20))
def test_python(vector: dict[str, Any]) -> None:
    seed, client = bytes.fromhex(vector["seed"]), vector["client_seed"]
    committed = drawing.commitment(
        seed, ReadingId(UUID(vector["reading_id"])), SpreadId(UUID(vector["spread_id"])),
        vector["spread_version"], vector["deck_version"],
    )  # fmt: skip
    assert committed.hex() == vector["commitment"]
    assert drawing.order(seed, client) == vector["order"]
    dealt = drawing.draw(seed, client, len(vector["cards"]), reversed_cards=vector["reversed_cards"])
    assert [[one.card, one.reversed] for one in dealt] == vector["cards"]


def test_javascript(tmp_path: Path) -> None:
    answers = _by_node(tmp_path, VECTORS)
    assert [answer["right"] for answer in answers] == [True] * 20
    assert [answer["commitment"] for answer in answers] == [vector["commitment"] for vector in VECTORS]
    assert [answer["order"] for answer in answers] == [vector["order"] for vector in VECTORS]


def _forged() -> list[dict[str, Any]]:
    one = VECTORS[2]
    swapped = [one["order"][1], one["order"][0], *one["order"][2:]]
    turned = [[card, not upside] for card, upside in one["cards"]]
    return [
        {**one, "seed": "00" * 64},
        {**one, "client_seed": "x" * 16},
        {**one, "order": swapped},
        {**one, "cards": turned},
        {**one, "cards": [[swapped[0], False], *one["cards"][1:]]},
        {**one, "commitment": "00" * 32},
        {**one, "spread_version": one["spread_version"] + 1},
        {**one, "reading_id": VECTORS[3]["reading_id"]},
    ]


def test_a_forged_proof_is_found_out(tmp_path: Path) -> None:
    assert [answer["right"] for answer in _by_node(tmp_path, _forged())] == [False] * len(_forged())
    assert [_at_home(tmp_path, proof)[0] for proof in _forged()[:3]] == [1, 1, 1]


def test_the_script_for_home_runs_alone(tmp_path: Path) -> None:
    for proof in (VECTORS[0], VECTORS[19]):
        status, said = _at_home(tmp_path, proof)
        assert (status, said.startswith("Nobody moved a card")) == (0, True)


def _at_home(folder: Path, proof: dict[str, Any]) -> tuple[int, str]:
    """What the script says, with nothing of ours to be imported."""
    file = folder / "proof.json"
    file.write_text(json.dumps(proof))
    command = [sys.executable, "-I", str(STATIC / "check_draw.py"), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout
