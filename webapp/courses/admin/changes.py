"""The history of changes of schedules, from which one can still be undone."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath

from backend.courses.types import CourseId
from webapp.core import forms
from webapp.core.answers import to_app
from webapp.core.back_office import manage_page
from webapp.core.confirming import question
from webapp.core.responses import Html, toast
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, head_of
from webapp.courses.screens.changes import ChangesPage, change_rows, undo_question
from webapp.courses.screens.moves import undone_text

_CHANGES: Final = ONE + "/schedule/changes"


@get(_CHANGES, name="admin:schedule-changes", guards=[TEACHING])
async def changes(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """What was done to the schedules of a course, the latest first. Raises NotFound."""
    return await _page(request, CourseId(course_id))


@post(_CHANGES + "/{undo_id:uuid}", name="admin:undo-change", guards=WRITES, status_code=200)
async def undo(request: SoukRequest, course_id: FromPath[UUID], undo_id: FromPath[UUID]) -> Html:
    """Count what an undo does, and once that is confirmed do it. Raises NotFound, Invalid for one that is undone."""
    course, asks = CourseId(course_id), "sure" not in await forms.posted(request)
    words = site_of(request).viewer(request.user).words
    undone = await site_of(request).services.courses.schedule.undo(request.user, course, undo_id, dry_run=asks)
    if not undone.restored:
        nothing = words.gettext("These schedules have all changed since.")
        return toast(to_app(await _page(request, course)), nothing, "bad")
    if asks:
        title, text = words.gettext("Undo this change?"), undo_question(undone, words)
        return await question(request, title, words.gettext("Undo"), text, more={"sure": "on"})
    return toast(to_app(await _page(request, course)), undone_text(undone, words))


async def _page(request: SoukRequest, course: CourseId) -> Html:
    site = site_of(request)
    listed = await site.services.courses.schedule.list_changes(request.user, course)
    people = {one.by for one in listed if one.by}
    names = await site.services.identity.people.names_of(request.user, people)
    rows = change_rows(listed, names, site.viewer(request.user).words)
    view = ChangesPage(await head_of(request, course), rows)
    up = f"{COURSES}/{course}/students"
    return manage_page(request, "courses/admin/changes.html", view, "courses", back=up)


HANDLERS: Final = (changes, undo)
