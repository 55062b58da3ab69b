"""A course in figures, and their files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Stream

from backend.courses.types import CourseId, RunId, TariffId
from backend.courses.types.figures import Chosen
from backend.identity.types import Actor, Permission
from webapp.core import forms
from webapp.core.back_office import manage_page
from webapp.core.downloads import csv_file, downloader, whole
from webapp.core.guards import PUBLIC
from webapp.core.parts import address
from webapp.core.rendering import Viewer
from webapp.core.responses import Html, signed_url
from webapp.core.site import Site, SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, head_of
from webapp.courses.admin.students import StudentsQuery
from webapp.courses.screens import figures as present
from webapp.courses.screens.figures import FiguresPage, IncomeRow, LessonBar, PartnerBar
from webapp.courses.screens.students import plan_chips

T = TypeVar("T")

_FIGURES: Final = ONE + "/figures"
_SECONDS: Final = 3600
"""How long a file's address is good for."""


class FiguresQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of whom the figures are."""

    run: UUID | None = None
    plan: UUID | None = None

    def chosen(self) -> Chosen:
        """The same for the services."""
        return Chosen(RunId(self.run) if self.run else None, TariffId(self.plan) if self.plan else None)

    def words(self) -> dict[str, str]:
        """The same for an address."""
        return {name: str(value) for name, value in (("run", self.run), ("plan", self.plan)) if value}


@get(_FIGURES, name="admin:course-figures", guards=[TEACHING])
async def figures(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Students, lessons, time to feedback; income and partners for who may see money. Raises NotFound."""
    site, actor, query = site_of(request), request.user, forms.read_query(request, FiguresQuery)
    id_, chosen, path = CourseId(course_id), query.chosen(), f"{COURSES}/{course_id}/figures"
    course = await head_of(request, id_)
    tariffs, runs = (
        await site.services.courses.tariffs.list_of(actor, id_),
        await site.services.courses.runs.list_of(actor, id_),
    )
    students = await site.services.courses.figures.students(actor, id_, chosen)
    lessons = await _lessons(site, actor, id_, chosen)
    money = actor.may(Permission.MONEY)
    income = await _income(site, actor, id_, chosen) if money else None
    said = site.viewer(actor).words.gettext("Run %(number)s")
    blocks = ("lessons", "income", "partners") if money else ("lessons",)
    files = {name: address(f"{path}/{name}.csv", **query.words()) for name in blocks}
    files["students"] = address(f"{COURSES}/{course_id}/students.csv", **query.words())
    view = FiguresPage(
        course=course,
        chips=plan_chips(path, present.as_filter(chosen), tariffs, runs, actor.language, said),
        students=present.student_bars(students),
        enrolled=students.enrolled,
        completion=present.share(students.completed, students.enrolled),
        lessons=lessons,
        most=max((max(one.open, one.opened) for one in lessons), default=0),
        feedback=address(f"/admin/assignments/figures/{course_id}", **query.words()),
        income=income,
        totals=present.totals(income or ()),
        partners=await _partners(site, actor, id_, chosen) if money else None,
        files={name: signed_url(request, target, seconds=_SECONDS) for name, target in files.items()},
    )
    return manage_page(request, "courses/admin/figures.html", view, "courses", back=f"{COURSES}/{course_id}")


async def _lessons(site: Site, actor: Actor, course_id: CourseId, chosen: Chosen) -> tuple[LessonBar, ...]:
    listed = await site.services.courses.figures.lessons(actor, course_id, chosen)
    accepted = await site.services.assignments.figures.accepted(actor, course_id, chosen)
    return present.lesson_bars(listed, accepted)


async def _income(site: Site, actor: Actor, course_id: CourseId, chosen: Chosen) -> tuple[IncomeRow, ...]:
    income = await site.services.courses.figures.income(actor, course_id, chosen)
    tariffs = await site.services.courses.tariffs.list_of(actor, course_id)
    return present.income_rows(income, tariffs, actor.language)


async def _partners(site: Site, actor: Actor, course_id: CourseId, chosen: Chosen) -> tuple[PartnerBar, ...]:
    brought = await site.services.courses.figures.brought(actor, course_id, chosen)
    partners = await site.services.growth.partners.list_all(actor) if brought else []
    return present.partner_bars(brought, partners)


async def _file(
    request: Request[Any, Any, Any],
    course_id: UUID,
    read: Callable[[Site, Actor, CourseId, Chosen], Awaitable[T]],
    text: Callable[[T, Viewer], str],
    name: str,
) -> Stream:
    """What ``read`` says of those whom the address names, as a file."""
    actor, site = await downloader(request), site_of(request)
    rows = await read(site, actor, CourseId(course_id), forms.read_query(request, FiguresQuery).chosen())
    return csv_file(whole(text(rows, site.viewer(actor))), name)


@get(_FIGURES + "/lessons.csv", name="admin:course-lessons-csv", opt=PUBLIC)
async def lessons_csv(request: Request[Any, Any, Any], course_id: FromPath[UUID]) -> Stream:
    """The funnel as a file, by signed address."""
    return await _file(request, course_id, _lessons, present.lessons_csv, "souk-lessons.csv")


@get(_FIGURES + "/income.csv", name="admin:course-income-csv", opt=PUBLIC)
async def income_csv(request: Request[Any, Any, Any], course_id: FromPath[UUID]) -> Stream:
    """What each plan brought as a file, by signed address."""
    return await _file(request, course_id, _income, present.income_csv, "souk-income.csv")


@get(_FIGURES + "/partners.csv", name="admin:course-partners-csv", opt=PUBLIC)
async def partners_csv(request: Request[Any, Any, Any], course_id: FromPath[UUID]) -> Stream:
    """What each partner brought as a file, by signed address."""
    return await _file(request, course_id, _partners, present.partners_csv, "souk-partners.csv")


@get(ONE + "/students.csv", name="admin:students-csv", opt=PUBLIC)
async def students_csv(request: Request[Any, Any, Any], course_id: FromPath[UUID]) -> Stream:
    """The students as a file, as they are filtered, by signed address. Raises NotFound."""
    actor, site = await downloader(request), site_of(request)
    header, states = present.student_words(site.viewer(actor))
    pieces = await site.services.courses.figures.export_students(
        actor,
        CourseId(course_id),
        forms.read_query(request, StudentsQuery).filter(),
        header=header,
        state_of=states.__getitem__,
    )
    return csv_file(pieces, "souk-students.csv")


HANDLERS: Final = (figures, lessons_csv, income_csv, partners_csv, students_csv)
