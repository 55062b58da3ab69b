"""Students of a course in the back office: who they are, how far they are, access given and taken away."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.errors import CourseNotOnSale, TariffOwned
from backend.courses.types import CourseId, EnrolmentId, GrantId, RunId, TariffId
from backend.courses.types.teaching import StudentDetail, StudentFilter, StudentState
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId
from backend.kernel.text import fold, pick
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.fields import Fields
from webapp.core.parts import address
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet, signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, course_of, head_of
from webapp.courses.screens import students as present
from webapp.courses.screens.students import GiftSheet, RevokeSheet, StudentPage, StudentsPage, UndoNote
from webapp.identity.screens.person import PickPage, assignee

STUDENTS: Final = ONE + "/students"
STUDENT: Final = STUDENTS + "/{enrolment_id:uuid}"
_FILE_SECONDS: Final = 3600
_GIFT: Final = ONE + "/gift"


class StudentsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The filter and the page of the list."""

    q: Annotated[str, Meta(max_length=64)] = ""
    state: StudentState | None = None
    run: UUID | None = None
    plan: UUID | None = None
    cursor: Annotated[str, Meta(max_length=200)] = ""

    def filter(self) -> StudentFilter:
        """Which students."""
        return StudentFilter(
            query=fold(self.q).removeprefix("@"),
            state=self.state,
            run_id=RunId(self.run) if self.run else None,
            tariff_id=TariffId(self.plan) if self.plan else None,
        )


class SearchQuery(msgspec.Struct, frozen=True):
    """A search for somebody who gets a course."""

    q: Annotated[str, Meta(max_length=64)] = ""
    cursor: Annotated[str, Meta(max_length=200)] = ""


class GiftForm(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff for somebody, and why."""

    plan: UUID
    reason: Annotated[str, Meta(max_length=200)]


class RevokeForm(msgspec.Struct, frozen=True):
    """Why access is taken away."""

    reason: Annotated[str, Meta(max_length=200)]


@get(STUDENTS, name="admin:students", guards=[TEACHING])
async def students(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The students of a course; a search and a next page get rows only. Raises NotFound."""
    return await students_page(request, CourseId(course_id), forms.read_query(request, StudentsQuery))


@get(STUDENT, name="admin:student", guards=[TEACHING])
async def student(request: SoukRequest, course_id: FromPath[UUID], enrolment_id: FromPath[UUID]) -> Html:
    """One student. Raises NotFound."""
    return await student_page(request, CourseId(course_id), EnrolmentId(enrolment_id))


@get(_GIFT, name="admin:gift-course", guards=[TEACHING])
async def pick_person(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Choose who gets the course; a search and a next page get rows only. Raises NotFound."""
    query = forms.read_query(request, SearchQuery)
    await course_of(request, CourseId(course_id))
    text, path = fold(query.q).removeprefix("@"), f"{COURSES}/{course_id}/gift"
    people = await site_of(request).services.identity.people.find_users(request.user, text, query.cursor or None)
    view = PickPage(
        purpose="course",
        path=path,
        pick=f"{path}/",
        query=text,
        rows=tuple(assignee(person) for person in people.items),
        next_url=address(path, q=text, cursor=people.next_cursor) if people.next_cursor else None,
        more=asked_for_more(request, query.cursor),
    )
    if view.more or asked_by(request, "results"):
        return fragment(request, "identity/admin/_pick_rows.html", view)
    up = f"{COURSES}/{course_id}/students"
    return manage_page(request, "identity/admin/pick.html", view, "courses", back=up)


@get(_GIFT + "/{user_id:uuid}", name="admin:gift-sheet", guards=[TEACHING])
async def gift_sheet(request: SoukRequest, course_id: FromPath[UUID], user_id: FromPath[UUID]) -> Html:
    """The sheet that gives somebody a tariff. Raises NotFound."""
    return await _gift_sheet(request, course_id, user_id)


@post(_GIFT + "/{user_id:uuid}", name="admin:give-course", guards=WRITES, status_code=200)
async def give(request: SoukRequest, course_id: FromPath[UUID], user_id: FromPath[UUID]) -> Html:
    """Give somebody a tariff. Raises NotFound, NotYourself."""
    school, values = site_of(request).services.courses, await forms.posted(request)
    form = forms.fill(values, GiftForm)
    if form.value is None:
        return await _gift_sheet(request, course_id, user_id, Fields(form.typed, form.errors))
    tariffs = await school.tariffs.list_of(request.user, CourseId(course_id))
    if all(one.id != form.value.plan for one in tariffs):
        raise NotFound("no such tariff of this course")
    try:
        enrolment = await school.students.gift(
            request.user, UserId(user_id), TariffId(form.value.plan), form.value.reason
        )
    except TariffOwned:
        return await _gift_sheet(request, course_id, user_id, Fields(form.typed), owned=True)
    except CourseNotOnSale:
        return await _gift_sheet(request, course_id, user_id, Fields(form.typed), closed=True)
    shown = await student_page(request, CourseId(course_id), enrolment)
    return say(request, replaced(shown, f"{COURSES}/{course_id}/students/{enrolment}"), _("Access given"))


@get(STUDENT + "/grants/{grant_id:uuid}/revoke", name="admin:revoke-sheet", guards=[TEACHING])
async def revoke_sheet(
    request: SoukRequest, course_id: FromPath[UUID], enrolment_id: FromPath[UUID], grant_id: FromPath[UUID]
) -> Html:
    """The sheet that asks why access is taken away. Raises NotFound."""
    detail = await _find(request, course_id, enrolment_id)
    return await _revoke_sheet(request, detail, grant_id)


@post(STUDENT + "/grants/{grant_id:uuid}/revoke", name="admin:revoke-grant", guards=WRITES, status_code=200)
async def revoke(
    request: SoukRequest, course_id: FromPath[UUID], enrolment_id: FromPath[UUID], grant_id: FromPath[UUID]
) -> Html:
    """Take access away; no money goes back. Raises NotFound."""
    detail = await _find(request, course_id, enrolment_id)
    form = forms.fill(await forms.posted(request), RevokeForm)
    try:
        if form.value is None:
            raise Invalid(fields=dict(form.errors))
        if all(one.id != grant_id for one in detail.grants):
            raise NotFound("a grant of somebody else")
        await site_of(request).services.courses.students.revoke(request.user, GrantId(grant_id), form.value.reason)
    except Invalid as refusal:
        return await _revoke_sheet(request, detail, grant_id, refusal.fields["reason"])
    shown = await student_page(request, CourseId(course_id), EnrolmentId(enrolment_id))
    path = f"{COURSES}/{course_id}/students/{enrolment_id}"
    return say(request, replaced(shown, path), _("Access revoked"))


async def _find(request: SoukRequest, course_id: UUID, enrolment_id: UUID) -> StudentDetail:
    detail = await site_of(request).services.courses.students.get(request.user, EnrolmentId(enrolment_id))
    if detail.course_id != course_id:
        raise NotFound("a student of another course")
    return detail


async def students_page(
    request: SoukRequest, course_id: CourseId, query: StudentsQuery, *, undo: UndoNote | None = None
) -> Html:
    """The page of the students, or its rows. Raises NotFound."""
    site, actor = site_of(request), request.user
    school, chosen, path = site.services.courses, query.filter(), f"{COURSES}/{course_id}/students"
    listed = await school.students.list_of(actor, course_id, chosen, cursor=query.cursor or None)
    tariffs, runs = await school.tariffs.list_of(actor, course_id), await school.runs.list_of(actor, course_id)
    criteria = present.filter_query(chosen)
    words = site.viewer(actor).words.gettext("Run %(number)s")
    view = StudentsPage(
        course=await head_of(request, course_id),
        query=chosen.query,
        states=present.state_chips(path, chosen),
        plans=present.plan_chips(path, chosen, tariffs, runs, actor.language, words),
        hidden=tuple((name, value) for name, value in criteria.items() if name != "q"),
        rows=tuple(present.student_view(row, tariffs, actor.language) for row in listed.items),
        change=address(f"{COURSES}/{course_id}/schedule", **criteria),
        csv_url=signed_url(request, address(f"{path}.csv", **criteria), seconds=_FILE_SECONDS),
        next_url=address(path, **criteria, cursor=listed.next_cursor) if listed.next_cursor else None,
        more=asked_for_more(request, query.cursor),
        filtered=bool(criteria),
        undo=undo,
    )
    if view.more or asked_by(request, "results"):
        return fragment(request, "courses/admin/_student_rows.html", view)
    return manage_page(request, "courses/admin/students.html", view, "courses", back=f"{COURSES}/{course_id}")


async def student_page(
    request: SoukRequest, course_id: CourseId, enrolment_id: EnrolmentId, *, undo: UndoNote | None = None
) -> Html:
    """The page of a student. Raises NotFound."""
    site, actor = site_of(request), request.user
    school, detail = site.services.courses, await _find(request, course_id, enrolment_id)
    tariffs = await school.tariffs.list_of(actor, course_id)
    days = await school.schedule.calendar(actor, enrolment_id)
    lessons = await school.editing.list_lessons(actor, course_id)
    givers = [one.granted_by for one in detail.grants if one.granted_by]
    names = await site.services.identity.people.names_of(actor, givers)
    view = StudentPage(
        course=await head_of(request, course_id),
        row=present.student_view(detail.student, tariffs, actor.language),
        grants=present.grant_rows(detail.grants, tariffs, names, actor.language),
        days=present.day_rows(days, lessons, actor.language),
        completed_at=detail.student.progress.completed_at,
        may_see_people=actor.may(Permission.USERS),
        undo=undo,
    )
    up = f"{COURSES}/{course_id}/students"
    return manage_page(request, "courses/admin/student.html", view, "courses", back=up)


async def _gift_sheet(
    request: SoukRequest, course_id: UUID, user_id: UUID, form: Fields | None = None, **why: Any
) -> Html:
    school = site_of(request).services.courses
    await course_of(request, CourseId(course_id))
    names = await site_of(request).services.identity.people.names_of(request.user, [UserId(user_id)])
    if UserId(user_id) not in names:
        raise NotFound("no such person")
    tariffs = await school.tariffs.list_of(request.user, CourseId(course_id))
    view = GiftSheet(
        action=f"{COURSES}/{course_id}/gift/{user_id}",
        name=names[UserId(user_id)],
        plans=present.plan_choices(tariffs, request.user.language),
        form=form or Fields(),
        **why,
    )
    return sheet(request, "courses/admin/_gift.html", view, status=200 if form is None else FORM_ERROR)


async def _revoke_sheet(request: SoukRequest, detail: StudentDetail, grant_id: UUID, error: str = "") -> Html:
    grant = next((one for one in detail.grants if one.id == grant_id), None)
    if grant is None:
        raise NotFound("a grant of somebody else")
    tariffs = await site_of(request).services.courses.tariffs.list_of(request.user, detail.course_id)
    plan = next((one.fields.name for one in tariffs if one.id == grant.tariff_id), {})
    action = f"{COURSES}/{detail.course_id}/students/{detail.student.enrolment_id}/grants/{grant_id}/revoke"
    view = RevokeSheet(action, pick(plan, request.user.language), error)
    return sheet(request, "courses/admin/_revoke.html", view, status=FORM_ERROR if error else 200)


HANDLERS: Final = (students, student, pick_person, gift_sheet, give, revoke_sheet, revoke)
