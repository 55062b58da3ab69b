"""JSON under /api/v1, for the same people with the same credentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from webapp.api.shop import SHOP_API
from webapp.identity.api import api_me

# One router: handlers of one path but different methods must stand in the same one.
_api = Router(
    path="/api/v1",
    route_handlers=[api_me, *SHOP_API],
    include_in_schema=True,
    # What it tells is one person's own: nothing between here and him may keep it.
    response_headers={"cache-control": "no-store", "vary": "Authorization"},
)
API_HANDLERS: Final[Sequence[ControllerRouterHandler]] = (_api,)
