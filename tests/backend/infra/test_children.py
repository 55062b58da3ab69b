"""Processes that read one file of somebody's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backend.infra.children import answer_of


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems don't choose so")
async def test_memory_that_ends_ends_the_child_first(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text("import sys; sys.stdin.read(); print(open('/proc/self/oom_score_adj').read().strip(), end='')")
    assert await answer_of(script, b"a file", seconds=20) == b"1000"


async def test_a_child_has_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "secret")
    script = tmp_path / "child.py"
    script.write_text("import os, sys; sys.stdin.read(); print('BOT_TOKEN' in os.environ, end='')")
    assert await answer_of(script, b"", seconds=20) == b"False"
