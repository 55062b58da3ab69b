"""Stored pictures, at signed addresses that are the same for everybody for half a day."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Response

from webapp.core.guards import PUBLIC, signed_address
from webapp.core.site import site_of


@get("/media/{name:str}", opt=PUBLIC)
async def media(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """One picture. Raises LinkExpired, NotFound."""
    await signed_address(request)
    file = await site_of(request).services.storage.get(name)
    headers = {
        "cache-control": "public, max-age=43200, immutable",
        # An SVG opened by itself may run nothing.
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return Response(file.data, media_type=file.content_type, headers=headers)
