"""What the processes of the stack warned of, for the report of a browser test that fails."""

from __future__ import annotations

import re
from pathlib import Path

_ENTRY = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(?P<level>\w+)")
_CALM = {"debug", "info"}
_LINES = 40


def warnings(folder: Path) -> str:
    """The last 40 lines of each process's output that are no plain information, tracebacks included."""
    parts = []
    for output in sorted(folder.glob("*.out")):
        lines, shown = [], True  # what stands before the first entry is a crash
        for line in output.read_text(errors="replace").splitlines():
            if entry := _ENTRY.match(line):
                shown = entry["level"] not in _CALM
            if shown:
                lines.append(line)
        parts.append("\n".join([f"{output.stem}: {len(lines)} lines of warnings and errors", *lines[-_LINES:]]))
    return "\n".join(parts)
