"""The documents lead to what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from backend.bootstrap import PROVIDERS
from backend.payments.gateways import demo
from backend.payments.ports import ProviderSpec

ROOT: Final = Path(__file__).parents[2]
BACKEND: Final = ROOT / "backend"
DECISIONS: Final = sorted((BACKEND / "decisions").glob("[0-9]*.md"))
_PATH: Final = re.compile(r"`([a-z_]+/[\w./-]*)`")


def test_every_decision_is_in_the_index_with_its_title() -> None:
    index = (BACKEND / "decisions" / "README.md").read_text()
    listed = re.findall(r"^- \[(\d{4})\]\(([^)]+)\) (.+)$", index, re.MULTILINE)
    titles = [re.match(r"# 0*\d+[.:]? +(.+)", path.read_text()) for path in DECISIONS]
    assert listed == [
        (path.name[:4], path.name, title and title[1]) for path, title in zip(DECISIONS, titles, strict=True)
    ]


def test_no_two_decisions_share_a_number() -> None:
    numbers = [path.name[:4] for path in DECISIONS]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_says_why_and_against_what(path: Path) -> None:
    text = path.read_text()
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [part for part in ("Context", "Decision", "Consequences", "Alternatives") if part not in parts] == []
    assert re.search(r"^\d{4}-\d{2}-\d{2}$", text, re.MULTILINE), "no date"


def test_the_readme_names_pages_of_the_back_office_as_they_are_called() -> None:
    templates = "".join(path.read_text() for path in (ROOT / "webapp" / "templates").rglob("*.html"))
    named = re.findall(r"\*Manage\* → \*([^*]+)\*", (ROOT / "README.md").read_text())
    assert len(named) > 1
    assert [name for name in named if f'_("{name}")' not in templates] == []


@pytest.mark.parametrize("spec", [spec for spec in PROVIDERS if spec is not demo.SPEC], ids=lambda spec: spec.name)
def test_the_readme_says_what_a_payment_method_needs(spec: ProviderSpec) -> None:
    """In a row of its own. The networks of one coin share a row, which leaves their variables to .env.example."""
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| ")]
    if not spec.name.startswith("usdt_"):
        hook = f"`/hooks/{spec.name}`" if spec.webhook else ""
        assert any(hook in row and all(f"`{name}`" in row for name in spec.needs) for row in rows)
        return
    network, example = spec.name.removeprefix("usdt_").upper(), (ROOT / ".env.example").read_text()
    assert any(re.search(rf"\b{network}\b", row) and ".env.example" in row for row in rows)
    assert [name for name in spec.needs if f"{name}=" not in example] == []


def test_the_way_in_fits_a_page_and_names_files_that_exist() -> None:
    text = (BACKEND / "README.md").read_text()
    count = len(text.splitlines())
    assert count <= 120, "backend/README.md has 120 lines at most: replace a text rather than add one"
    named = _PATH.findall(text)
    assert len(named) > 30
    for name in named:
        places = (ROOT / name, BACKEND / name, ROOT / "webapp" / name)
        assert any(place.exists() or place.with_suffix(".py").exists() for place in places), name
    for link in re.findall(r"\]\((?!https?://)([^)#]+)", text):
        assert (BACKEND / link).exists(), link
