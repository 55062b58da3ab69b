"""The Chromium that every test in a browser starts."""

from __future__ import annotations

import shutil
from typing import Final

import pytest
from playwright.async_api import Browser, Playwright

# The headless build paints the same with a quarter less of processor time. A fresh machine gets only that one.
_PROGRAMS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",  # what is painted is not sent to yet another process
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


async def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium; without one the test fails and says what to install."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.fail("The browser tests need Chromium: sudo apt-get install chromium", pytrace=False)
    return await playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
