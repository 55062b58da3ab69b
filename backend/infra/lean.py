"""Import this first in a long-running process: it stays without rich and pygments, which only commands draw with.

structlog and httpx import them wherever they are installed: 5 MB and 0.3 s in each process. Both do without. A module
that is None in ``sys.modules`` counts as not installed (Python's reference, "The module cache").
"""

from __future__ import annotations

import sys

if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    sys.modules["pygments"] = None  # type: ignore[assignment]
