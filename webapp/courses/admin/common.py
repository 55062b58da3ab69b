"""What the pages of the school in the back office share."""

from __future__ import annotations

from typing import Final

from backend.courses.types import CourseId
from backend.courses.types.teaching import CourseRecord
from backend.identity.types import Permission
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import pictures
from webapp.core.site import SoukRequest, site_of
from webapp.courses.screens.teaching import CourseRow, course_row

TEACHING: Final = requires(Permission.TEACHING)
WRITES: Final = [TEACHING, limited(WRITE)]
COURSES: Final = "/admin/courses"
ONE: Final = COURSES + "/{course_id:uuid}"


async def course_of(request: SoukRequest, course_id: CourseId) -> CourseRecord:
    """The course of a page. Raises NotFound."""
    return await site_of(request).services.courses.courses.get(request.user, course_id)


async def head_of(request: SoukRequest, course_id: CourseId) -> CourseRow:
    """The course of a page as it is shown. Raises NotFound."""
    return course_row(await course_of(request, course_id), request.user.language, pictures(request))
