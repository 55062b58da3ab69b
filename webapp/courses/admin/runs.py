"""Runs of a course in the back office: cohorts, and the course run again."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.courses.types import CourseId, RunId
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from webapp.core import forms
from webapp.core.answers import replaced, say
from webapp.core.fields import Fields
from webapp.core.responses import FORM_ERROR, Html, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, course_of
from webapp.courses.admin.courses import course_page
from webapp.courses.screens.teaching import RunSheet

_RUNS: Final = ONE + "/runs"
_RUN: Final = _RUNS + "/{run_id:uuid}"


class RunForm(msgspec.Struct, frozen=True, kw_only=True):
    """A run that starts at once for each student, or a cohort with its first day."""

    start: str = "at_once"
    starts_on: forms.Day | None = None
    timezone: str = ""


@get(_RUNS + "/new", name="admin:new-run", guards=[TEACHING])
async def new_run(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The sheet of a new run. Raises NotFound."""
    course = await course_of(request, CourseId(course_id))
    return _sheet(request, course_id, Fields({"start": "cohort", "timezone": course.schedule.timezone}), status=200)


@post(_RUNS, name="admin:open-run", guards=WRITES, status_code=200)
async def add(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Open a run. Raises NotFound."""
    form = await forms.read(request, RunForm)
    wrong = dict(form.errors)
    cohort = form.typed.get("start") == "cohort"
    if cohort and not form.typed.get("starts_on"):
        wrong["starts_on"] = "required"
    if form.value is None or wrong:
        return _sheet(request, course_id, Fields(form.typed, wrong))
    runs, first = site_of(request).services.courses.runs, form.value.starts_on if cohort else None
    try:
        await runs.open(request.user, CourseId(course_id), first, form.value.timezone if cohort else None)
    except Invalid as refusal:
        return _sheet(request, course_id, Fields(form.typed, dict(refusal.fields)))
    return await _done(request, course_id, _("Run opened"))


@post(_RUN + "/close", name="admin:close-run", guards=WRITES, status_code=200)
async def close(request: SoukRequest, course_id: FromPath[UUID], run_id: FromPath[UUID]) -> Html:
    """Let nobody new into a run. Raises NotFound."""
    await _check(request, course_id, run_id)
    await site_of(request).services.courses.runs.close(request.user, RunId(run_id))
    return await _done(request, course_id, _("Run closed"))


@post(_RUN + "/reopen", name="admin:reopen-run", guards=WRITES, status_code=200)
async def reopen(request: SoukRequest, course_id: FromPath[UUID], run_id: FromPath[UUID]) -> Html:
    """Let people into a run again. Raises NotFound."""
    await _check(request, course_id, run_id)
    await site_of(request).services.courses.runs.reopen(request.user, RunId(run_id))
    return await _done(request, course_id, _("Run opened"))


async def _check(request: SoukRequest, course_id: UUID, run_id: UUID) -> None:
    runs = await site_of(request).services.courses.runs.list_of(request.user, CourseId(course_id))
    if all(run.id != run_id for run in runs):
        raise NotFound("no such run of this course")


async def _done(request: SoukRequest, course_id: UUID, said: str) -> Html:
    shown = replaced(await course_page(request, CourseId(course_id)), f"{COURSES}/{course_id}")
    return say(request, shown, said)


def _sheet(request: SoukRequest, course_id: UUID, form: Fields, *, status: int = FORM_ERROR) -> Html:
    return sheet(request, "courses/admin/_run.html", RunSheet(str(course_id), form), status=status)


HANDLERS: Final = (new_run, add, close, reopen)
