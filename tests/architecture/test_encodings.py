"""Text files are read and written as UTF-8, whatever the machine's locale is: each call says so."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = [path for folder in ("backend", "webapp", "bot", "migrations") for path in (ROOT / folder).rglob("*.py")]


def _mode(call: ast.Call) -> str:
    first = call.args[0] if call.args else next((word.value for word in call.keywords if word.arg == "mode"), None)
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _guesses(call: ast.Call) -> bool:
    """Whether the call leaves the encoding of a text file to the locale."""
    if not isinstance(call.func, ast.Attribute) or any(word.arg == "encoding" for word in call.keywords):
        return False
    if call.func.attr in {"read_text", "write_text"}:
        return len(call.args) < (1 if call.func.attr == "read_text" else 2)
    keywords = {word.arg for word in call.keywords}
    return call.func.attr == "open" and ("newline" in keywords or _mode(call) in {"r", "w", "a", "x", "r+", "w+", "a+"})


def test_no_file_is_read_by_the_locale() -> None:
    guesses = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and _guesses(node)
    ]
    assert not guesses
