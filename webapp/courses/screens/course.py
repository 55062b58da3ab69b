"""A course's page: for somebody who may join it, and for its students."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
from markupsafe import Markup

from backend.courses.types import CourseState
from backend.courses.types.learning import CourseView, MyCourse
from backend.courses.types.teaching import Schedule
from backend.identity.types import Actor, ZoneSource
from backend.infra.formatting import zone_city
from backend.kernel.text import pick
from webapp.community.screens.mine import GroupView
from webapp.core.looks import Picture
from webapp.core.parts import TileView
from webapp.core.rendering import Viewer
from webapp.core.zones import ZoneChoice, zone_choice
from webapp.courses.screens.home import course_tile
from webapp.courses.screens.outline import DayView, LessonRow, next_locked, next_row, strip
from webapp.courses.screens.plans import PlansView, feedback_words
from webapp.courses.screens.times import LessonTimes, clock, has_own_clock, lesson_times, opening_of, takes

Fresh = Literal["", "joined", "upgraded", "completed"]
"""What has just happened to a student."""
Certificate = Literal["", "missing", "ready", "issued"]
"""What a student has of the certificate that their plan includes; nothing for other plans."""
_STEP: Final = 30
"""Minutes between the hours that can be chosen."""
_DAY: Final = 1440


class OfferPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/offer.html: a course for somebody who does not take it, ``plans`` None where it is not sold.

    ``ended``: they had it once. ``minutes`` a lesson, 0 where no lesson says it. ``teaches``: they may look at it as a
    student.
    """

    slug: str
    title: str
    summary: str
    tile: TileView
    description: Markup
    lessons: tuple[LessonRow, ...]
    minutes: int
    plans: PlansView | None
    ended: bool
    teaches: bool
    draft: bool


class CoursePage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/course.html: a course for its students, and for teachers as a student sees it on ``as_day``.

    ``plan`` and ``about`` say what was bought; ``times`` when lessons come, where that is by the student's clock.
    ``then`` says when the next lesson opens. Times are shown by the clock of ``city``.
    """

    slug: str
    title: str
    plan: str
    about: str
    percent: int
    days: tuple[DayView, ...]
    lessons: tuple[LessonRow, ...]
    next: LessonRow | None
    then: str
    state: Literal["running", "paused", "done", "waiting"]
    times: LessonTimes | None
    city: str
    can_upgrade: bool
    reminders: Literal["", "on", "off"] = ""
    """Whether the student gets reminders; empty where the course sends none."""
    certificate: Certificate = ""
    lessons_left: int = 0
    """Required ones, until the course is completed."""
    groups: tuple[GroupView, ...] = ()
    as_day: int | None = None
    fresh: Fresh = ""
    starting: bool = False
    """A lesson is due: a worker opens it in a moment."""


class TimesSheet(msgspec.Struct, frozen=True):
    """courses/_times.html: the reader's time zone, and at which of ``hours`` (of the day, with words) lessons come.

    ``hours`` is empty where they can't choose it. ``usual`` is the course's own; ``chosen`` None means that one.
    ``plan`` is the code of the one that they look at.
    """

    slug: str
    plan: str
    hours: tuple[tuple[int, str], ...]
    usual: str
    chosen: int | None
    zone: ZoneChoice
    error: Literal["", "minute", "timezone"] = ""


def offer_page(
    view: CourseView,
    lessons: Sequence[LessonRow],
    plans: PlansView | None,
    description: str,
    viewer: Viewer,
    picture: Picture,
    *,
    teaches: bool,
) -> OfferPage:
    """The page of somebody who does not take the course, or no longer."""
    known = [lesson.minutes for lesson in lessons if lesson.minutes]
    return OfferPage(
        slug=view.slug,
        title=pick(view.product.name, viewer.locale),
        summary=pick(view.product.summary, viewer.locale),
        tile=course_tile(view.product, viewer.locale, picture),
        description=Markup(description),  # noqa: S704 the catalogue has cleaned it
        lessons=tuple(lessons),
        minutes=round(sum(known) / len(known)) if known else 0,
        plans=plans,
        ended=view.mine is not None,
        teaches=teaches,
        draft=view.state is CourseState.DRAFT,
    )


def course_page(
    view: CourseView,
    lessons: Sequence[LessonRow],
    viewer: Viewer,
    actor: Actor,
    groups: tuple[GroupView, ...] = (),
    *,
    as_day: int | None = None,
    fresh: Fresh = "",
    certified: bool = False,
) -> CoursePage:
    """The page of a student; a teacher who looks as one has no plan and no progress.

    ``certified``: the student has a certificate.
    """
    mine = None if as_day is not None else view.mine
    plan = mine.plan if mine is not None else None
    coming, here = next_locked(lessons), next_row(lessons)
    then = opening_of(coming.day, coming.at, viewer) if coming is not None and coming.at is not None else ""
    state: Literal["running", "paused", "done", "waiting"] = "running" if here is not None else "waiting"
    if mine is not None and mine.progress.is_whole:
        state = "done"
    elif mine is not None and mine.paused_at is not None:
        state = "paused"
    return CoursePage(
        slug=view.slug,
        title=pick(view.product.name, viewer.locale),
        plan=pick(plan.name, viewer.locale) if plan is not None else "",
        about=feedback_words(plan, viewer.words, viewer) if plan is not None else "",
        percent=mine.progress.percent if mine is not None else 0,
        days=strip(lessons, viewer),
        lessons=tuple(lessons),
        next=here,
        then=then,
        state=state,
        times=lesson_times(view, actor) if mine is not None else None,
        city=zone_city(actor.timezone, actor.language),
        can_upgrade=mine is not None and any(offer.upgrade and offer.refusal is None for offer in view.tariffs),
        reminders=_reminders(mine, view.schedule) if state != "done" else "",
        certificate=_certificate(mine, certified=certified),
        lessons_left=mine.progress.required - mine.progress.done if mine is not None else 0,
        groups=groups,
        as_day=as_day,
        fresh=fresh,
        starting=state == "waiting" and coming is not None and coming.at is not None and coming.at <= viewer.now,
    )


def _reminders(mine: MyCourse | None, schedule: Schedule) -> Literal["", "on", "off"]:
    if mine is None or not schedule.remind_days:
        return ""
    return "off" if mine.reminders_off else "on"


def _certificate(mine: MyCourse | None, *, certified: bool) -> Certificate:
    if certified:
        return "issued"
    if mine is None or mine.plan is None or not mine.plan.certificate:
        return ""
    return "missing" if mine.progress.completed_at is None else "ready"


def chooses_hour(view: CourseView) -> bool:
    """Whether students of the course choose the hour of their lessons."""
    return takes(view) and has_own_clock(view) and view.schedule.student_from is not None


def times_sheet(
    view: CourseView, actor: Actor, now: datetime, plan: str, *, error: Literal["", "minute", "timezone"] = ""
) -> TimesSheet:
    """The reader's zone, the course's where theirs is unknown; the hours of its window, which may cross midnight."""
    schedule = view.schedule
    zone = schedule.timezone if actor.zone_source is ZoneSource.UNKNOWN else actor.timezone
    return TimesSheet(
        slug=view.slug,
        plan=plan,
        hours=tuple((minute, clock(minute)) for minute in _hours(schedule, view)) if chooses_hour(view) else (),
        usual=clock(schedule.local_minute),
        chosen=view.mine.local_minute if view.mine is not None else None,
        zone=zone_choice(zone, actor.language, now),
        error=error,
    )


def _hours(schedule: Schedule, view: CourseView) -> list[int]:
    start, end = schedule.student_from or 0, schedule.student_to or 0
    length = (end - start) % _DAY
    hours = [(start + step) % _DAY for step in range(0, length + 1, _STEP)]
    own = view.mine.local_minute if view.mine is not None else None
    return hours if own is None or own in hours else [own, *hours]
