"""Files of lessons: at addresses signed for one person and one lesson, in parts where a browser asks for them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Response, Stream

from backend.courses.types import LessonId, MediaId, MediaKind
from backend.courses.types.lessons import MediaFile, StoredMedia
from backend.kernel.errors import NotFound
from webapp.core.guards import PUBLIC, actor_of_address
from webapp.core.ranges import asked_part
from webapp.core.responses import signed_url
from webapp.core.site import SoukRequest, site_of

_SECONDS: Final = 2 * 60 * 60
"""An address is good as long as somebody may watch a lesson without a new page."""


def media_url(request: SoukRequest, lesson_id: LessonId, file: MediaFile) -> str:
    """The address of a lesson's file for the person of the request, for two hours."""
    # Its ending tells it from a page's address.
    return signed_url(request, f"/learn/media/{lesson_id}/{file.id}.{file.path.rpartition('.')[2]}", seconds=_SECONDS)


@get("/learn/media/{lesson_id:uuid}/{name:str}", name="learn:media", opt=PUBLIC)
async def lesson_file(request: Request[Any, Any, Any], lesson_id: FromPath[UUID], name: FromPath[str]) -> Response[Any]:
    """A file, whole (200) or one range of it (206), for whom it was signed if they may open the lesson now.

    Raises LinkExpired, SessionRevoked, Blocked, NotFound, Forbidden, AccessEnded, LessonLocked.
    """
    actor = await actor_of_address(request)
    lessons = site_of(request).services.courses.lessons
    try:
        media_id = MediaId(UUID(name.partition(".")[0]))
    except ValueError:
        raise NotFound("not a file of ours") from None
    file = await lessons.file(actor, LessonId(lesson_id), media_id)
    part = asked_part(request, file.size, file.stored, _headers(file))
    if part.status == 416:
        return Response(b"", status_code=416, headers=part.headers)
    return Stream(
        lessons.contents.read(file.stored, part.first, part.length),
        status_code=part.status,
        media_type=file.mime,
        headers=part.headers | {"content-length": str(part.length)},
    )


def _headers(file: StoredMedia) -> dict[str, str]:
    shown = "attachment" if file.kind is MediaKind.FILE else "inline"
    return {
        "cache-control": "private, max-age=600",
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(file.name, safe='')}",
        # Whatever an author put into it, no page of ours runs it.
        "content-security-policy": "default-src 'none'; sandbox",
    }


HANDLERS: Final = (lesson_file,)
