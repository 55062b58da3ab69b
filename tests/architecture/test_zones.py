"""Every process reads time zones from the pinned tzdata package, and nothing asks PostgreSQL about them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ROOTS = (
    "webapp/__main__.py", "webapp/asgi.py", "backend/worker.py", "bot/__main__.py", "backend/cli/__main__.py",
    "backend/demo/run.py", "bot/simulator/__main__.py", "migrations/env.py", "tests/conftest.py",
)  # fmt: skip
_PROGRAM = """
import backend, zoneinfo, importlib.metadata
from datetime import UTC, datetime
noon = datetime(2027, 7, 1, 12, tzinfo=UTC)
print(zoneinfo.TZPATH, noon.astimezone(zoneinfo.ZoneInfo("Africa/Casablanca")).utcoffset(),
      importlib.metadata.version("tzdata"))
"""
# DateTime(timezone=True) is a type of SQLAlchemy; astimezone() is Python's.
_SQL_ZONES = re.compile(
    r"at\s+time\s+zone|(?<!as)(?<!_)\btimezone\s*\(\s*['\":]|func\.timezone|current_date|localtimestamp", re.I
)


@pytest.mark.parametrize("folder", ["", "/usr/share/zoneinfo"])
def test_a_process_that_imports_backend_takes_the_zones_of_the_package(folder: str) -> None:
    """IANA 2026f ends Morocco's summer time in 2027; the system's data may not know."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONTZPATH"}
    environ |= {"PYTHONTZPATH": folder} if folder else {}
    output = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    pinned = re.search(r"^tzdata==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert pinned
    assert output.stdout.split() == ["()", "0:00:00", pinned[1]]


@pytest.mark.parametrize("root", _ROOTS)
def test_every_root_imports_backend_before_it_can_read_a_zone(root: str) -> None:
    """It is enough that backend is imported at the top: nothing is computed while modules load."""
    imports = [
        node for node in ast.parse((ROOT / root).read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in imports if isinstance(node, ast.ImportFrom)]
    # webapp.lean imports backend.
    assert any(name.partition(".")[0] == "backend" or name == "webapp.lean" for name in names)


def test_no_sql_asks_postgresql_about_zones() -> None:
    """Its own data is another release's: moments are computed in Python and passed in."""
    files = [file for top in ("backend", "webapp", "bot", "migrations") for file in (ROOT / top).rglob("*.py")]
    assert len(files) > 300
    assert [str(file.relative_to(ROOT)) for file in files if _SQL_ZONES.search(file.read_text())] == []
