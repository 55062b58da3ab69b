"""Import this first in a long-running process: it stays without rich and pygments, which only commands draw with.

structlog and httpx import them wherever they are installed: 5 MB and 0.3 s in each process.
"""

from __future__ import annotations

import sys


def go_without(*packages: str) -> None:
    """Have imports of ``packages`` fail as if they were not installed, unless something has imported them already.

    A module that is None in ``sys.modules`` cannot be imported. Source: Python's reference, "The module cache".
    """
    for name in packages:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


if "rich" not in sys.modules:
    go_without("rich", "pygments")
