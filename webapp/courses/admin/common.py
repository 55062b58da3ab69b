"""What the pages of the school in the back office share."""

from __future__ import annotations

from typing import Final

from backend.courses.types import CourseId
from backend.courses.types.teaching import CourseRecord
from backend.identity.types import Permission
from backend.kernel.errors import AppError
from webapp.core.answers import to_app
from webapp.core.errors import message, problem_of
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, pictures, toast
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


def say(request: SoukRequest, answer: Html, text: str) -> Html:
    """The answer with a toast; ``text`` is marked for translation."""
    return toast(answer, site_of(request).viewer(request.user).words.gettext(text))


def overtaken(request: SoukRequest, answer: Html, why: AppError) -> Html:
    """The page as it is now, with why something could not be done."""
    site, actor = site_of(request), request.user
    shown = to_app(answer)
    shown.headers["x-error-code"] = why.code
    return toast(shown, message(site, problem_of(why), actor, actor.language), "bad")
