"""What an installed Souk needs is in its wheel."""

from __future__ import annotations

import fnmatch
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_of_the_packages_is_installed() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = [pattern.rstrip("*") for pattern in told["packages"]["find"]["include"]]
    patterns = ["*.py", *told["package-data"]["*"]]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()

    assert {"backend", "webapp", "bot", "migrations"} == set(folders)
    assert len(files) > 300
    assert [name for name in files if not any(fnmatch.fnmatch(Path(name).name, item) for item in patterns)] == []
