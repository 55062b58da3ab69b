"""Files that a browser fetches by a signed address, since downloads carry no headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request
from litestar.response import Stream

from backend.identity.types import Actor
from backend.infra.spreadsheets import encoded
from webapp.core.guards import actor_of_address
from webapp.core.limits import REVEAL
from webapp.core.site import site_of


async def downloader(request: Request[Any, Any, Any]) -> Actor:
    """For whom the address was signed, unless they download too much.

    Raises LinkExpired, SessionRevoked, Blocked, RateLimited.
    """
    actor = await actor_of_address(request)
    await site_of(request).services.limiter.hit(REVEAL, str(actor.id))
    return actor


def csv_file(pieces: AsyncIterator[str], name: str) -> Stream:
    """The pieces of a CSV file as they are made, however many."""
    return text_file(pieces, name, "text/csv")


def text_file(pieces: AsyncIterator[str], name: str, media_type: str = "text/plain") -> Stream:
    """The pieces of a text as a file to save, however many."""
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
        # Telegram's web clients fetch the file from their own origin.
        "access-control-allow-origin": "https://web.telegram.org",
    }
    return Stream(encoded(pieces), media_type=media_type, headers=headers)


async def whole(text: str) -> AsyncIterator[str]:
    """A small file in one piece."""
    yield text
