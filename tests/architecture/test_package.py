"""What an installed Souk needs is in its wheel, and nothing of the machine that it was made on is in its files."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_of_the_packages_is_installed() -> None:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = [pattern.rstrip("*") for pattern in configured["packages"]["find"]["include"]]
    patterns = ["*.py", *configured["package-data"]["*"]]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()

    assert {"backend", "webapp", "bot", "migrations"} == set(folders)
    assert len(files) > 300
    assert [name for name in files if not any(fnmatch.fnmatch(Path(name).name, item) for item in patterns)] == []


def test_no_file_names_a_registry_or_a_folder_of_somebody() -> None:
    """Installing is the clients' business: they know where packages lie, and a name and a hash say which."""
    hosts = ("npmjs", r"pypi\.org", "pythonhosted", r"deb\.debian", "yarnpkg")
    bad = re.compile("|".join("//[^/]*" + host for host in hosts) + r"|(?<![\w.])/(?:home|work|Users)/\w")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    matches = [(file.name, bad.findall(file.read_text("utf-8", "ignore"))) for file in files if file.is_file()]
    assert [(name, lines) for name, lines in matches if lines] == []
