"""Types of what admins see of people through all slices."""

from __future__ import annotations

import msgspec

from backend.infra.timeline import Entry


class TimelinePage(msgspec.Struct, frozen=True):
    """Entries of a person's history and the cursor of the next page; None on the last one."""

    entries: tuple[Entry, ...]
    next_cursor: str | None = None
