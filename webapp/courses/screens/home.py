"""The place to learn: where one goes on, one's courses, and those that one can begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from backend.catalog.types.goods import ProductFields
from backend.courses.types.learning import MyCourse, OfferedCourse
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from webapp.core.looks import Picture, hue
from webapp.core.parts import TileView
from webapp.core.rendering import Viewer
from webapp.core.tiles import initial_of
from webapp.courses.screens.outline import LessonRow, next_locked, next_row
from webapp.courses.screens.times import opening_of


class NextCard(msgspec.Struct, frozen=True):
    """The course to go on with; ``lesson`` is the one that is open, ``then`` when the next one opens."""

    href: str
    title: str
    done: int
    of: int
    percent: int
    lesson: LessonRow | None
    then: str = ""


class CourseRow(msgspec.Struct, frozen=True):
    """A course that somebody takes or took."""

    href: str
    title: str
    tile: TileView
    state: Literal["running", "paused", "done", "ended"]
    done: int
    of: int


class CourseCard(msgspec.Struct, frozen=True):
    """A course that can be begun; ``minutes`` a lesson, 0 where nobody has said it."""

    href: str
    title: str
    tile: TileView
    lessons: int
    minutes: int
    price: Money
    from_price: bool
    began: int


class LearnPage(msgspec.Struct, frozen=True):
    """courses/home.html"""

    next: NextCard | None
    mine: tuple[CourseRow, ...]
    offered: tuple[CourseCard, ...]


def course_tile(product: ProductFields, locale: Locale, picture: Picture) -> TileView:
    """The tile of a course: its picture, or its initial."""
    name = pick(product.name, locale)
    return TileView(initial_of(name), hue(product.hue, name), product.icon, picture=picture(product.picture))


def is_running(course: MyCourse) -> bool:
    """Whether somebody has lessons of it before them."""
    return course.plan is not None and course.paused_at is None and not course.progress.is_whole


def next_card(course: MyCourse, lessons: Sequence[LessonRow], viewer: Viewer) -> NextCard:
    """Where somebody goes on."""
    locked, progress = next_locked(lessons), course.progress
    return NextCard(
        href=f"/learn/{course.slug}",
        title=pick(course.product.name, viewer.locale),
        done=progress.done,
        of=progress.required,
        percent=progress.percent,
        lesson=next_row(lessons),
        then=opening_of(locked.day, locked.at, viewer) if locked is not None and locked.at is not None else "",
    )


def learn_page(
    card: NextCard | None,
    mine: Sequence[MyCourse],
    offered: Sequence[OfferedCourse],
    viewer: Viewer,
    picture: Picture,
) -> LearnPage:
    """The page; the course of the card is in no list, and nobody is offered what they have."""
    taken = {course.slug for course in mine if course.plan is not None}
    return LearnPage(
        next=card,
        mine=tuple(
            _row(course, viewer.locale, picture)
            for course in mine
            if card is None or card.href != f"/learn/{course.slug}"
        ),
        offered=tuple(_card(course, viewer.locale, picture) for course in offered if course.slug not in taken),
    )


def _row(course: MyCourse, locale: Locale, picture: Picture) -> CourseRow:
    state: Literal["running", "paused", "done", "ended"] = "running"
    if course.plan is None:
        state = "ended"
    elif course.progress.is_whole:
        state = "done"
    elif course.paused_at is not None:
        state = "paused"
    return CourseRow(
        href=f"/learn/{course.slug}",
        title=pick(course.product.name, locale),
        tile=course_tile(course.product, locale, picture),
        state=state,
        done=course.progress.done,
        of=course.progress.required,
    )


def _card(course: OfferedCourse, locale: Locale, picture: Picture) -> CourseCard:
    return CourseCard(
        href=f"/learn/{course.slug}",
        title=pick(course.product.name, locale),
        tile=course_tile(course.product, locale, picture),
        lessons=course.lessons,
        minutes=course.minutes or 0,
        price=course.price,
        from_price=course.prices_differ,
        began=course.began,
    )
