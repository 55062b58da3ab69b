"""The place to learn and the pages of courses: what they cost, how far one is, when lessons come."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.errors import HourNotAllowed
from backend.courses.types import CourseState
from backend.courses.types.learning import CourseView, MyCourse
from backend.identity.types import Permission, ZoneSource
from backend.kernel.errors import Invalid, NotFound
from webapp.community.screens.mine import group_views
from webapp.core import forms
from webapp.core.answers import asked_by, pushed, to_app
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, page, pictures, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.courses.routes.line import plans_of
from webapp.courses.screens import course as present
from webapp.courses.screens import home as home_screens
from webapp.courses.screens.outline import LessonRow, rows
from webapp.courses.screens.times import has_own_clock

_PLANS: Final = "plans"
"""The part of a page that the choice of another plan fills."""
_COURSE: Final = "course"
"""The part of a student's page that asks for itself until their first lesson is open."""
Day = Annotated[int, Meta(ge=1, le=10_000)]


class CourseQuery(msgspec.Struct, frozen=True):
    """The plan that is chosen, by its code or as a product's variant; and the day on which a teacher looks at a course.

    ``joined``: the reader has just bought it.
    """

    plan: Annotated[str, Meta(max_length=40)] = ""
    variant: UUID | None = None
    day: Day | None = None
    joined: bool = False


class TimesForm(msgspec.Struct, frozen=True):
    """The minute of the day at which lessons shall come, nothing for the course's own; and the reader's time zone."""

    minute: Annotated[int, Meta(ge=0, le=1439)] | None = None
    timezone: Annotated[str, Meta(max_length=64)] = ""
    plan: Annotated[str, Meta(max_length=40)] = ""


@get("/learn", name="learn:home")
async def home(request: SoukRequest) -> Html:
    """Where the reader goes on, their courses, and those that they can begin."""
    site = site_of(request)
    learning, viewer = site.services.courses.learning, site.viewer(request.user)
    mine, offered = await learning.mine(request.user), await learning.offered(request.user)
    running = next((course for course in mine if home_screens.is_running(course)), None)
    card = None
    if running is not None:
        view = await learning.view(request.user, running.slug)
        card = home_screens.next_card(running, await outline(request, view), viewer)
    return page(
        request,
        "courses/home.html",
        home_screens.learn_page(card, mine, offered, viewer, pictures(request)),
        tab="learn",
    )


@get("/learn/{slug:str}", name="learn:course")
async def course(request: SoukRequest, slug: FromPath[str]) -> Html:
    """A course for its student, or for somebody who may join it; for a teacher as on a day of it. Raises NotFound."""
    query = forms.read_query(request, CourseQuery)
    as_day = query.day if request.user.may(Permission.TEACHING) else None
    view = await site_of(request).services.courses.learning.view(request.user, slug, as_day=as_day)
    fresh: present.Fresh = "joined" if query.joined else ""
    return await course_page(request, view, as_day=as_day, plan=query.plan, variant=query.variant, fresh=fresh)


async def show_course(request: SoukRequest, slug: str, *, plan: str = "", status: int = 200) -> Html:
    """The page of a course, for pages that stand in for it. Raises NotFound."""
    view = await site_of(request).services.courses.learning.view(request.user, slug)
    return await course_page(request, view, plan=plan, status=status)


async def joined_page(request: SoukRequest, slug: str) -> Html:
    """The page of a course that the reader has just bought. Raises NotFound."""
    view = await site_of(request).services.courses.learning.view(request.user, slug)
    before = any(lesson.is_open for lesson in view.lessons)
    return await course_page(request, view, fresh="upgraded" if before else "joined")


async def course_page(
    request: SoukRequest,
    view: CourseView,
    *,
    as_day: int | None = None,
    plan: str = "",
    variant: UUID | None = None,
    fresh: present.Fresh = "",
    status: int = 200,
) -> Html:
    """The whole page of a course; ``fresh`` is what has just happened."""
    site = site_of(request)
    viewer, actor = site.viewer(request.user), request.user
    lessons = await outline(request, view, as_day)
    if as_day is not None or (view.mine is not None and view.mine.plan is not None):
        certified = False
        if as_day is None and view.mine is not None and view.mine.progress.completed_at is not None:
            certified = (await site.services.certificates.asking.page(actor, view.slug)).held is not None
        mine = [] if as_day is not None else await site.services.community.groups.mine(actor, view.course_id)
        shown = present.course_page(
            view, lessons, viewer, actor, group_views(mine), as_day=as_day, fresh=fresh, certified=certified
        )
        if asked_by(request, _COURSE):
            return fragment(request, "courses/_course_answer.html", shown)
        return page(request, "courses/course.html", shown, tab="learn", back="/learn")
    description = ""
    if view.state is CourseState.PUBLISHED:
        product = await site.services.catalog.storefront.product(actor, view.slug)
        description = product.description_html
    teaches = actor.may(Permission.TEACHING)
    sold = await plans_of(request, view, plan, variant)
    offer = present.offer_page(view, lessons, sold, description, viewer, pictures(request), teaches=teaches)
    return page(request, "courses/offer.html", offer, tab="learn", back="/learn", status=status)


async def outline(request: SoukRequest, view: CourseView, as_day: int | None = None) -> tuple[LessonRow, ...]:
    """The lessons of a course as the reader has them."""
    courses, viewer = site_of(request).services.courses, site_of(request).viewer(request.user)
    titles = await courses.lessons.titles(request.user, view.slug)
    mine = view.mine if as_day is None else None
    live = mine is not None and mine.plan is not None
    days = await courses.schedule.calendar(request.user, mine.enrolment_id) if mine is not None and live else []
    paused = mine is not None and mine.paused_at is not None
    return rows(view.slug, view.lessons, titles, days, viewer, as_day=as_day, paused=paused)


@get("/courses/{slug:str}/plans", name="learn:plans")
async def choose_plan(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The plans of a course, as a page for who may upgrade; after another was chosen, that part of the page."""
    query = forms.read_query(request, CourseQuery)
    site = site_of(request)
    view = await site.services.courses.learning.view(request.user, slug)
    shown = await plans_of(request, view, query.plan, query.variant)
    if shown is None:
        raise NotFound("nothing is sold of it")
    if asked_by(request, _PLANS):
        return fragment(request, "courses/_plans_answer.html", shown)
    return page(request, "courses/plans.html", shown, tab="learn", back=f"/learn/{slug}")


@get("/courses/{slug:str}/times", name="learn:times-sheet")
async def times_sheet(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The reader's time zone, and the hours to which they may move their lessons."""
    view = await _timed(request, slug)
    now = site_of(request).viewer(request.user).now
    plan = forms.read_query(request, CourseQuery).plan
    return sheet(request, "courses/_times.html", present.times_sheet(view, request.user, now, plan))


@post("/courses/{slug:str}/times", name="learn:times", guards=[limited(WRITE)], status_code=200)
async def set_times(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Have lessons come by another clock, or at another hour."""
    form = await forms.read_form(request, TimesForm)
    view = await _timed(request, slug)
    try:
        if view.mine is not None and present.chooses_hour(view):
            schedule = site_of(request).services.courses.schedule
            await schedule.move_hour(request.user, view.mine.enrolment_id, form.minute)
        await _set_zone(request, form.timezone)
    except (HourNotAllowed, Invalid) as refusal:
        wrong: Literal["minute", "timezone"] = "minute" if isinstance(refusal, HourNotAllowed) else "timezone"
        now = site_of(request).viewer(request.user).now
        again = present.times_sheet(view, request.user, now, form.plan, error=wrong)
        return sheet(request, "courses/_times.html", again, status=FORM_ERROR)
    words = site_of(request).viewer(request.user).words
    return toast(to_app(await _again(request, slug, form.plan)), words.gettext("Lesson time saved"))


async def _set_zone(request: SoukRequest, timezone: str) -> None:
    """Use a zone that is not the reader's yet, for their lessons too. Raises Invalid for an unknown one."""
    actor, services = request.user, site_of(request).services
    if not timezone or (timezone == actor.timezone and actor.zone_source is not ZoneSource.UNKNOWN):
        return
    request.scope["user"] = await services.identity.profile.set_timezone(actor, timezone)
    # The page that is shown next says when lessons come, so it does not wait for the worker.
    await services.courses.schedule.zone_changed(actor.id)


async def _timed(request: SoukRequest, slug: str) -> CourseView:
    """A course whose lessons come to the reader by their own clock. Raises NotFound."""
    view = await site_of(request).services.courses.learning.view(request.user, slug)
    if not has_own_clock(view):
        raise NotFound("not by a clock of their own")
    return view


@post("/courses/{slug:str}/pause", name="learn:pause", guards=[limited(WRITE)], status_code=200)
async def pause(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Send the reader no lessons until they resume."""
    _, mine = await _mine(request, slug)
    await site_of(request).services.courses.schedule.pause(request.user, mine.enrolment_id)
    words = site_of(request).viewer(request.user).words
    return toast(await _again(request, slug), words.gettext("Lessons paused"))


@post("/courses/{slug:str}/resume", name="learn:resume", guards=[limited(WRITE)], status_code=200)
async def resume(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Go on with a course."""
    _, mine = await _mine(request, slug)
    await site_of(request).services.courses.schedule.resume(request.user, mine.enrolment_id)
    words = site_of(request).viewer(request.user).words
    return toast(await _again(request, slug), words.gettext("Lessons resumed"))


@post("/courses/{slug:str}/reminders/on", name="learn:reminders-on", guards=[limited(WRITE)], status_code=200)
async def reminders_on(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Remind the reader of their courses when they have been away."""
    return await _switch_reminders(request, slug, on=True)


@post("/courses/{slug:str}/reminders/off", name="learn:reminders-off", guards=[limited(WRITE)], status_code=200)
async def reminders_off(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Send the reader no reminders, of any course."""
    return await _switch_reminders(request, slug, on=False)


async def _switch_reminders(request: SoukRequest, slug: str, *, on: bool) -> Html:
    await _mine(request, slug)
    await site_of(request).services.courses.reminders.switch(request.user, on=on)
    _ = site_of(request).viewer(request.user).words.gettext
    return toast(await _again(request, slug), _("Reminders are on") if on else _("Reminders are off"))


async def _mine(request: SoukRequest, slug: str) -> tuple[CourseView, MyCourse]:
    """A course that the reader takes. Raises NotFound."""
    view = await site_of(request).services.courses.learning.view(request.user, slug)
    if view.mine is None or view.mine.plan is None:
        raise NotFound("does not take it")
    return view, view.mine


async def _again(request: SoukRequest, slug: str, plan: str = "") -> Html:
    return pushed(await show_course(request, slug, plan=plan), f"/learn/{slug}")


COURSE_HANDLERS: Final = (home, course, choose_plan, times_sheet, set_times, pause, resume, reminders_on, reminders_off)
