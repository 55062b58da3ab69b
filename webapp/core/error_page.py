"""What an error page says."""

from __future__ import annotations

import msgspec


class ErrorPage(msgspec.Struct, frozen=True):
    """errors/*.html. ``message`` is the error's own words where they say more than the page's."""

    code: str
    message: str = ""
    wait_seconds: int | None = None
    support_url: str = ""
    bot_url: str = ""
    reference: str = ""
