"""What the pages of the reading room in the back office share."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.identity.types import Permission
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html
from webapp.core.site import SoukRequest

READINGS: Final = requires(Permission.READINGS)
WRITES: Final = [READINGS, limited(WRITE)]
ROOM: Final = "/admin/readings"


def room_page(
    request: SoukRequest, template: str, view: msgspec.Struct, *, back: str | None = ROOM, status: int = 200
) -> Html:
    """A page of the reading room in the back office, by its name in ``readings/admin``."""
    return manage_page(request, f"readings/admin/{template}", view, "readings", back=back, status=status)
