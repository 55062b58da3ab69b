"""Deliveries of lessons in the back office: lesson by student, and sending one again."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.types import CourseId, DeliveryState, EnrolmentId, LessonId
from backend.courses.types.schedule import Delivery
from backend.infra.i18n import mark as _
from backend.kernel.errors import NotFound
from webapp.core import forms
from webapp.core.answers import asked_by, say
from webapp.core.back_office import manage_page
from webapp.core.parts import address
from webapp.core.responses import Html, fragment
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, head_of
from webapp.courses.screens import deliveries as present
from webapp.courses.screens.deliveries import LessonDeliveriesPage

_DELIVERIES: Final = ONE + "/deliveries"
_PAGE: Final = 50


class DeliveriesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The filter and the page of the list; ``student`` is an enrolment."""

    state: DeliveryState | None = None
    student: UUID | None = None
    page: Annotated[int, Meta(ge=0, le=10_000)] = 0


@get(_DELIVERIES, name="admin:lesson-deliveries", guards=[TEACHING])
async def deliveries(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """What became of each lesson of each student, the latest due first; a next page is rows only. Raises NotFound."""
    query, path = forms.read_query(request, DeliveriesQuery), f"{COURSES}/{course_id}/deliveries"
    listed = await _list(request, CourseId(course_id), query)
    student, name = str(query.student or ""), ""
    if query.student:
        detail = await site_of(request).services.courses.students.get(request.user, EnrolmentId(query.student))
        name = detail.student.name
    people = site_of(request).services.identity.people
    names = await people.names_of(request.user, {one.user_id for one in listed})
    more = address(path, state=query.state, student=student, page=str(query.page + 1))
    view = LessonDeliveriesPage(
        course=await head_of(request, CourseId(course_id)),
        filters=present.filters(path, query.state, student),
        rows=tuple(present.delivery_row(one, names) for one in listed),
        name=name,
        next_url=more if len(listed) == _PAGE else None,
    )
    if query.page and request.headers.get("hx-target") != "app":
        return fragment(request, "courses/admin/_delivery_rows.html", view)
    up = f"{COURSES}/{course_id}/students/{query.student}" if query.student else f"{COURSES}/{course_id}"
    return manage_page(request, "courses/admin/deliveries.html", view, "courses", back=up)


@post(
    _DELIVERIES + "/{enrolment_id:uuid}/{lesson_id:uuid}", name="admin:send-lesson-again", guards=WRITES,
    status_code=200,
)  # fmt: skip
async def send_again(
    request: SoukRequest, course_id: FromPath[UUID], enrolment_id: FromPath[UUID], lesson_id: FromPath[UUID]
) -> Html:
    """Send the message of a lesson once more; its row. Raises NotFound where it is not open or being sent."""
    school, enrolment, lesson = site_of(request).services.courses, EnrolmentId(enrolment_id), LessonId(lesson_id)
    if (await school.students.get(request.user, enrolment)).course_id != course_id:
        raise NotFound("a student of another course")
    await school.schedule.send_again(request.user, enrolment, lesson)
    (row,) = await school.schedule.list_deliveries(request.user, enrolment_id=enrolment, lesson_id=lesson)
    names = await site_of(request).services.identity.people.names_of(request.user, [row.user_id])
    sent = present.delivery_row(row, names)
    shown = LessonDeliveriesPage(
        course=await head_of(request, CourseId(course_id)),
        filters=(),
        rows=(sent,),
        line=asked_by(request, sent.line_id),
    )
    return say(request, fragment(request, "courses/admin/_delivery_row.html", shown), _("It will be sent again"))


async def _list(request: SoukRequest, course_id: CourseId, query: DeliveriesQuery) -> list[Delivery]:
    schedule = site_of(request).services.courses.schedule
    return await schedule.list_deliveries(
        request.user,
        course_id=course_id,
        enrolment_id=EnrolmentId(query.student) if query.student else None,
        state=query.state,
        page=query.page,
    )


HANDLERS: Final = (deliveries, send_again)
