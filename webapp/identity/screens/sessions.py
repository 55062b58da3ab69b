"""Sessions as they are listed: the reader's own, or an admin's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from backend.identity.types import Actor, SessionRow


class SessionCell(msgspec.Struct, frozen=True):
    """One session; ``here`` is the one that the reader uses now, ``end`` the address that ends it."""

    platform: str
    network: str
    since: datetime
    seen: datetime
    here: bool
    end: str


class SessionsPage(msgspec.Struct, frozen=True):
    """identity/sessions.html and identity/admin/sessions.html; ``end_all`` is empty where there is nothing to end."""

    rows: tuple[SessionCell, ...]
    end_all: str
    name: str = ""


def sessions_page(
    rows: Iterable[SessionRow], path: str, actor: Actor, *, name: str = "", may: bool = True
) -> SessionsPage:
    """The sessions at ``path``; without ``may`` they are only seen."""
    cells = tuple(
        SessionCell(
            platform=row.platform,
            network=row.network or "",
            since=row.created_at,
            seen=row.seen_at,
            here=row.id == actor.session_id,
            end=f"{path}/{row.id}/end" if may and row.id != actor.session_id else "",
        )
        for row in rows
    )
    others = any(cell.end for cell in cells)
    return SessionsPage(cells, f"{path}/end" if others else "", name)
