"""``python -m tests.changed``: style, types, contracts, and the tests of what has changed since main; for daily work.

A changed module's tests are those of the folder with its name. Tests that start processes or Chromium are left to
``make test``; it says which.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import click

from tests.processes import ROOT
from tests.run import STATIC, Stages

_ALWAYS = (
    "tests/architecture/test_boundaries.py",
    "tests/architecture/test_documents.py",
    "tests/architecture/test_translations.py",
    "tests/architecture/test_words.py",
)
_LEFT = ("tests/browser", "tests/deployment", "tests/resilience", "tests/bench")
_BY_FIRST_WORD = {
    "migrations": "tests/architecture/test_migrations.py",
    "Caddyfile": "tests/deployment/test_files.py",
    "Dockerfile": "tests/deployment/test_files.py",
    "compose.yaml": "tests/deployment/test_files.py",
}


def changed() -> list[str]:
    """Paths that differ from where this branch left main, committed or not."""
    base = _git("merge-base", "HEAD", "main") or ["HEAD"]
    return sorted({*_git("diff", "--name-only", base[0]), *_git("ls-files", "--others", "--exclude-standard")})


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def tests_of(path: str) -> str | None:
    """The file or folder with the tests of a changed file; None when it has none."""
    parts = Path(path).parts
    if parts[0] in _BY_FIRST_WORD:
        return _BY_FIRST_WORD[parts[0]]
    if parts[0] == "tests":
        return _tests_of_test(path)
    if parts[0] not in {"backend", "webapp", "bot"}:
        return None
    if "locales" in parts:
        return "tests/architecture/test_translations.py"
    names = [part.removesuffix(".py") for part in parts if part not in {"templates", "static"}]
    # The deepest folder that there is: for backend/payments/gateways/evm.py it is tests/backend/payments.
    for length in range(len(names), 1, -1):
        folder = Path("tests", *names[:length])
        if (ROOT / folder).is_dir():
            return str(folder)
    return "tests/bot" if parts[0] == "bot" else None


def _tests_of_test(path: str) -> str | None:
    if not (ROOT / path).exists() or not path.endswith(".py"):
        return None
    if Path(path).name.startswith("test_"):
        return path
    folder = str(Path(path).parent)
    # What all tests share is for make test.
    return folder if folder.count("/") > 1 or folder.startswith(_LEFT) else None


def main() -> int:
    """Run it all; 1 when anything failed."""
    folders = {tests for path in changed() if (tests := tests_of(path))}
    left = sorted(tests for tests in folders if tests.startswith(_LEFT))
    chosen = sorted({*_ALWAYS, *folders} - set(left))
    chosen = [one for one in chosen if not any(one.startswith(f"{other}/") for other in chosen)]
    click.echo("tests: " + " ".join(chosen))
    if left:
        click.echo("left to make test: " + " ".join(left))
    stages, started = Stages(), time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", *chosen]
    with stages.beside(STATIC):
        stages.note("tests", subprocess.call(command, cwd=ROOT), started)
    return stages.report()


if __name__ == "__main__":
    sys.exit(main())
