"""A reading leaves the room: as a picture to keep, a message to others, the text in one's own chat."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from backend.infra.rate_limit import Limit
from backend.kernel.errors import NotFound
from backend.readings.types import ReadingId
from webapp.core.guards import PUBLIC, actor_of_address
from webapp.core.limits import limited
from webapp.core.responses import Html, nothing, toast, trigger
from webapp.core.site import SoukRequest, site_of

DRAWN: Final = Limit("reading_picture", 30, 60)
"""Pictures that are drawn; by person."""
_NAME: Final = re.compile(r"([0-9a-f-]{36})\.png")


@get("/readings/pictures/{name:str}", name="readings:picture", opt=PUBLIC)
async def picture(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """The picture of a reading, for whom its address was signed. Raises LinkExpired, NotFound, RateLimited."""
    actor = await actor_of_address(request)
    match, site = _NAME.fullmatch(name), site_of(request)
    if match is None:
        raise NotFound("not a picture of ours")
    await site.services.limiter.hit(DRAWN, str(actor.id))
    try:
        reading_id = ReadingId(UUID(match[1]))
    except ValueError:
        raise NotFound("no such reading") from None
    content = await site.services.readings.sharing.picture(actor, reading_id)
    headers = {
        "content-disposition": 'attachment; filename="reading.png"',
        "cache-control": "private, no-store",
        # Telegram's web clients fetch the file from their own origin.
        "access-control-allow-origin": "https://web.telegram.org",
    }
    return Response(content, media_type="image/png", headers=headers)


@post("/readings/{reading_id:uuid}/share", name="readings:share", guards=[limited(DRAWN)], status_code=200)
async def share(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """Have the app send a prepared message with the picture, or a link where it can't. Raises NotFound."""
    site = site_of(request)
    prepared = await site.services.readings.sharing.share(request.user, ReadingId(reading_id))
    link = site.settings.bot_url or site.settings.public_url
    url = f"https://t.me/share/url?url={quote(link, safe='')}"
    return trigger(nothing(request), "share", {"id": prepared or "", "url": url})


@post("/readings/{reading_id:uuid}/send", name="readings:send", guards=[limited(DRAWN)], status_code=200)
async def send(request: SoukRequest, reading_id: FromPath[UUID]) -> Html:
    """Send the picture and the text to the reader's chat. Raises NotFound."""
    site, _ = site_of(request), site_of(request).viewer(request.user).words.gettext
    if await site.services.readings.sharing.send(request.user, ReadingId(reading_id)):
        return toast(nothing(request), _("Sent to your chat"))
    return toast(nothing(request), _("We can't write to your chat. Start the bot, then try again."), "bad")


HANDLERS: Final = (picture, share, send)
