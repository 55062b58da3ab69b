"""Named places in which a test can have the process killed, as by kill -9. They do nothing outside of tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

VARIABLE: Final = "SOUK_FAILPOINT"
"""``name=file``: die at the place ``name`` while ``file`` exists, which is removed first, so that it happens once."""


def failpoint(name: str) -> None:
    """Die here if the environment of a test says so."""
    asked = os.environ.get(VARIABLE)
    if asked is None:
        return
    point, _, file = asked.partition("=")
    if point == name and os.environ.get("SOUK_ENV") == "test":
        try:
            Path(file).unlink()
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
