"""Courses in the back office: the list, one of them, its texts and schedule, on sale or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.errors import ProductSlugTaken
from backend.catalog.types.goods import ProductFields
from backend.courses.errors import SlugTaken
from backend.courses.types import CourseId, DeliveryState, LateRule, ScheduleMode
from backend.courses.types.teaching import CourseRecord, Schedule
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.text import pick
from webapp.core import forms
from webapp.core.answers import pushed, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.confirming import question
from webapp.core.fields import Fields, errors_by, texts
from webapp.core.looks import shop_category_choices
from webapp.core.responses import FORM_ERROR, Html, pictures
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, course_of
from webapp.courses.screens import teaching as present
from webapp.courses.screens.moves import moved_text
from webapp.courses.screens.teaching import CourseFormPage, CoursePage, CoursesPage

_TITLE: Final = Meta(max_length=100)
_SUMMARY: Final = Meta(max_length=300)
_NAMES: Final = {"name": "title_en", "local_minute": "hour"}
"""A service's name of what it refused -> the field of the form."""


class CourseForm(msgspec.Struct, frozen=True, kw_only=True):
    """A course: texts by language, and when its lessons come. Hours are "09:30"."""

    title_en: Annotated[str, _TITLE]
    title_ar: Annotated[str, _TITLE] = ""
    title_ru: Annotated[str, _TITLE] = ""
    summary_en: Annotated[str, _SUMMARY] = ""
    summary_ar: Annotated[str, _SUMMARY] = ""
    summary_ru: Annotated[str, _SUMMARY] = ""
    category: Annotated[str, Meta(max_length=100)]
    mode: ScheduleMode
    hour: str
    interval_days: forms.Count = 1
    moves: bool = False
    """Students may move their hour, between ``student_from`` and ``student_to``."""
    student_from: str = ""
    student_to: str = ""
    late_rule: LateRule = LateRule.ONE_A_DAY
    timezone: str
    digest_after_days: forms.Count = 7
    new_lessons: bool = False
    remind_days: Annotated[int, Meta(ge=0, le=90)] = 3


class NewCourseForm(CourseForm, frozen=True, kw_only=True):
    """A course that is made, with the usual plans at these prices."""

    slug: str
    price_basic: forms.PositiveAmount | None = None
    price_feedback: forms.PositiveAmount | None = None
    price_premium: forms.PositiveAmount | None = None


@get(COURSES, name="admin:courses", guards=[TEACHING])
async def courses(request: SoukRequest) -> Html:
    """Every course."""
    listed = await site_of(request).services.courses.courses.list_all(request.user)
    rows = tuple(present.course_row(one, request.user.language, pictures(request)) for one in listed)
    return manage_page(request, "courses/admin/courses.html", CoursesPage(rows), "courses")


@get(COURSES + "/new", name="admin:new-course", guards=[TEACHING])
async def new_course(request: SoukRequest) -> Html:
    """The form of a new course."""
    return await _form(request, present.new_course_form(request.user.timezone), status=200)


@post(COURSES, name="admin:add-course", guards=WRITES, status_code=200)
async def add(request: SoukRequest) -> Html:
    """Make a course, as a draft."""
    form = await forms.read(request, NewCourseForm)
    wrong = {**form.errors, **_clock_errors(form.typed)}
    if form.value is None or wrong:
        return await _form(request, Fields(form.typed, wrong))
    service = site_of(request).services.courses.courses
    prices = {code: getattr(form.value, f"price_{code}") for code in ("basic", "feedback", "premium")}
    priced = {code: price for code, price in prices.items() if price is not None}
    if not priced:
        return await _form(request, Fields(form.typed, {"price_basic": "required"}))
    product = ProductFields(
        category=form.value.category,
        name=texts(form.typed, "title"),
        summary=texts(form.typed, "summary"),
        description={},
        icon="learn",
        hue="teal",
    )
    try:
        course_id = await service.create(
            request.user, form.value.slug, product, _schedule(form.value), service.default_tariffs(priced)
        )
    except (SlugTaken, ProductSlugTaken):
        return await _form(request, Fields(form.typed, {"slug": "taken"}))
    except Invalid as refusal:
        return await _form(request, Fields(form.typed, errors_by(refusal.fields, _NAMES)))
    created = pushed(await course_page(request, course_id), f"{COURSES}/{course_id}")
    return say(request, created, _("Draft created"))


@get(ONE, name="admin:course", guards=[TEACHING])
async def course(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """One course. Raises NotFound."""
    return await course_page(request, CourseId(course_id))


@get(ONE + "/edit", name="admin:edit-course", guards=[TEACHING])
async def edit(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The form of a course. Raises NotFound."""
    stored = await course_of(request, CourseId(course_id))
    return await _form(request, present.course_form(stored), stored, status=200)


@post(ONE + "/edit", name="admin:save-course", guards=WRITES, status_code=200)
async def save(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Change a course; asked first where that moves the lessons of students. Raises NotFound."""
    stored = await course_of(request, CourseId(course_id))
    form = await forms.read(request, CourseForm)
    wrong = {**form.errors, **_clock_errors(form.typed)}
    if form.value is None or wrong:
        return await _form(request, Fields(form.typed, wrong), stored)
    product = msgspec.structs.replace(
        stored.product,
        category=form.value.category,
        name=texts(form.typed, "title"),
        summary=texts(form.typed, "summary"),
    )
    service = site_of(request).services.courses.courses
    asks = "sure" not in await forms.posted(request)
    try:
        moved = await service.edit(request.user, stored.id, product, _schedule(form.value), dry_run=asks)
        if asks and moved:
            return await _ask(request, moved)
        if asks:
            await service.edit(request.user, stored.id, product, _schedule(form.value))
    except Invalid as refusal:
        return await _form(request, Fields(form.typed, errors_by(refusal.fields, _NAMES)), stored)
    return say(request, pushed(await course_page(request, stored.id), f"{COURSES}/{stored.id}"), _("Saved"))


async def _ask(request: SoukRequest, moved: int) -> Html:
    words = site_of(request).viewer(request.user).words
    return await question(
        request, words.gettext("Change the schedule?"), words.gettext("Save"), moved_text(moved, words),
        more={"sure": "on"},
    )  # fmt: skip


@post(ONE + "/publish", name="admin:publish-course", guards=WRITES, status_code=200)
async def publish(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Put a course on sale. Raises NotFound."""
    try:
        await site_of(request).services.courses.courses.publish(request.user, CourseId(course_id))
    except Invalid:
        return await course_page(request, CourseId(course_id), no_plan=True, status=FORM_ERROR)
    return say(request, await _changed(request, course_id), _("Published"))


@post(ONE + "/unpublish", name="admin:unpublish-course", guards=WRITES, status_code=200)
async def unpublish(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Take a course off sale; its students keep it. Raises NotFound."""
    await site_of(request).services.courses.courses.unpublish(request.user, CourseId(course_id))
    return say(request, await _changed(request, course_id), _("Taken off sale"))


async def _changed(request: SoukRequest, course_id: UUID) -> Html:
    return replaced(await course_page(request, CourseId(course_id)), f"{COURSES}/{course_id}")


async def course_page(request: SoukRequest, course_id: CourseId, *, no_plan: bool = False, status: int = 200) -> Html:
    """The page of a course. Raises NotFound."""
    school, actor = site_of(request).services.courses, request.user
    stored = await course_of(request, course_id)
    tariffs, runs = await school.tariffs.list_of(actor, course_id), await school.runs.list_of(actor, course_id)
    failed = await school.schedule.list_deliveries(actor, course_id=course_id, state=DeliveryState.FAILED)
    view = CoursePage(
        row=present.course_row(stored, actor.language, pictures(request)),
        summary=pick(stored.product.summary, actor.language),
        mode=stored.schedule.mode,
        hour=present.clock_text(stored.schedule.local_minute),
        interval_days=stored.schedule.interval_days,
        timezone=stored.schedule.timezone.replace("_", " "),
        plans=present.plan_rows(tariffs, runs, actor.language),
        runs=present.run_rows(runs),
        failed=len(failed),
        no_plan=no_plan,
    )
    return manage_page(request, "courses/admin/course.html", view, "courses", back=COURSES, status=status)


async def _form(
    request: SoukRequest, form: Fields, stored: CourseRecord | None = None, *, status: int = FORM_ERROR
) -> Html:
    categories = await site_of(request).services.catalog.storefront.categories(request.user)
    view = CourseFormPage(
        form=form,
        categories=shop_category_choices(categories),
        id=str(stored.id) if stored else "",
        title=pick(stored.product.name, request.user.language) if stored else "",
    )
    up = f"{COURSES}/{stored.id}" if stored else COURSES
    return manage_page(request, "courses/admin/course_form.html", view, "courses", back=up, status=status)


def _clock_errors(typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the hours: ``required``, ``invalid``, or ``order`` for a window that ends before it begins."""
    read = present.minute_of
    wrong = {} if read(typed.get("hour", "")) is not None else {"hour": "invalid"}
    if typed.get("moves") == "on":
        start, end = read(typed.get("student_from", "")), read(typed.get("student_to", ""))
        if start is None:
            wrong["student_from"] = "invalid"
        if end is None:
            wrong["student_to"] = "invalid"
        if start is not None and end is not None and end <= start:
            wrong["student_to"] = "order"
    return wrong


def _schedule(form: CourseForm) -> Schedule:
    """The schedule of a form whose hours are right."""
    hour = present.minute_of(form.hour)
    assert hour is not None
    return Schedule(
        mode=form.mode,
        local_minute=hour,
        interval_days=form.interval_days,
        student_from=present.minute_of(form.student_from) if form.moves else None,
        student_to=present.minute_of(form.student_to) if form.moves else None,
        late_rule=form.late_rule,
        timezone=form.timezone,
        digest_after_days=form.digest_after_days,
        new_lessons_after_completion=form.new_lessons,
        remind_days=form.remind_days,
    )


HANDLERS: Final = (courses, new_course, add, course, edit, save, publish, unpublish)
