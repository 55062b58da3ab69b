"""The school as a stranger, students of every state, and a teacher see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from backend.courses.types import LessonId
from backend.courses.types.access import AssignmentNeed, QuizNeed
from backend.courses.types.schedule import Change, Verb
from backend.demo.quiz import RIGHT, take_quiz
from backend.identity.types import Actor
from tests.browser.screens.screen import Screen, press, sheet
from tests.browser.stack import Stack
from tests.browser.telegram import Person

if TYPE_CHECKING:
    from tests.browser.screens.world import World

COURSE = "calm-in-seven-days"
_PAGE = f"/learn/{COURSE}"
_READ = 3
"""How many lessons the first student has done."""
_FULL = 1
"""The plan whose places are taken, by its place."""


class Past(msgspec.Struct, frozen=True):
    """The number of the order by which somebody has joined."""

    order: str


async def live(stack: Stack, people: Mapping[str, Person], admin: Actor) -> Past:
    """One student is on the fourth day, one has paused, one is done, and one had access once."""
    await stack.fund(people["rich"].id, 2_900)
    order = await stack.buy(people["rich"].id, COURSE, 1)
    rich = await stack.actor(people["rich"].id)
    lessons = await open_until(stack, admin, rich, _READ)
    await complete(stack, rich, lessons[:_READ])
    saver = await stack.actor(people["saver"].id)
    await gift(stack, admin, saver)
    (mine,) = await stack.services.courses.learning.mine(saver)
    await stack.services.courses.schedule.pause(saver, mine.enrolment_id)
    payer = await stack.actor(people["payer"].id)
    await gift(stack, admin, payer)
    await complete(stack, payer, await open_until(stack, admin, payer, None))
    await fill(stack, admin, payer)
    await stack.wait(people["saver"].id, COURSE, _FULL)
    reseller = await stack.actor(people["reseller"].id)
    await gift(stack, admin, reseller)
    (had,) = await stack.services.courses.learning.mine(reseller)
    students = stack.services.courses.students
    await students.revoke(admin, (await students.get(admin, had.enrolment_id)).grants[0].id, "asked for")
    return Past(order)


async def gift(stack: Stack, teacher: Actor, person: Actor) -> None:
    """Give somebody the cheapest plan of the course."""
    course = await stack.services.courses.learning.view(teacher, COURSE)
    await stack.services.courses.students.gift(teacher, person.id, course.tariffs[0].tariff.id, "a friend")


async def fill(stack: Stack, teacher: Actor, person: Actor) -> None:
    """Give somebody the last place of the plan in the middle."""
    courses = stack.services.courses
    plan = (await courses.learning.view(teacher, COURSE)).tariffs[_FULL].tariff
    await courses.tariffs.change(teacher, plan.id, msgspec.structs.replace(plan.fields, places=plan.taken + 1))
    await courses.students.gift(teacher, person.id, plan.id, "a friend")


async def open_until(stack: Stack, teacher: Actor, student: Actor, last: int | None) -> list[LessonId]:
    """Open the lessons up to the one after ``last``, or all; the ids of all."""
    courses = stack.services.courses
    (mine,) = await courses.learning.mine(student)
    lessons = [item.id for item in await courses.lessons.titles(student, COURSE)]
    change = Change(verb=Verb.OPEN, until=None if last is None else lessons[last])
    await courses.schedule.change(teacher, mine.course_id, change, [mine.enrolment_id])
    return lessons


async def complete(stack: Stack, student: Actor, lessons: list[LessonId]) -> None:
    """Read lessons to their ends, submit what they ask for and pass their quizzes."""
    courses, submitting = stack.services.courses, stack.services.assignments.submitting
    slugs = {item.id: item.slug for item in await courses.lessons.titles(student, COURSE)}
    for lesson in lessons:
        entry = await courses.learning.can_open(student, lesson)
        if entry.quiz is QuizNeed.REQUIRED:
            await take_quiz(stack.services.quizzes.attempts, student, COURSE, slugs[lesson], RIGHT)
        if entry.assignment is AssignmentNeed.REQUIRED:
            await submitting.submit(student, COURSE, slugs[lesson], "Round the park.", [], intent=f"read-{lesson}")
        await courses.learning.complete(student, lesson)


def screens(world: World) -> list[Screen]:
    """Lists, course pages and lessons in every state, for people and as a teacher sees them."""
    return [
        Screen("learn", "/learn"),
        Screen("learn-empty-handed", "/learn", "poor"),
        Screen("learn-paused", "/learn", "saver"),
        Screen("learn-done", "/learn", "payer"),
        Screen("learn-ended", "/learn", "reseller"),
        Screen("course-offer", _PAGE, "poor"),
        Screen("course-plan", f"{_PAGE}?plan=premium", "poor"),
        Screen("course-full", f"{_PAGE}?plan=feedback", "poor"),
        Screen("course-in-line", f"/courses/{COURSE}/plans?plan=feedback", "saver"),
        Screen("course-join", _PAGE, "poor", press("#join")),
        Screen("course", _PAGE),
        Screen("course-times", _PAGE, "rich", sheet("times")),
        Screen("course-upgrade", f"/courses/{COURSE}/plans"),
        Screen("course-paused", _PAGE, "saver"),
        Screen("course-done", _PAGE, "payer"),
        Screen("course-ended", _PAGE, "reseller"),
        Screen("course-as-student", f"{_PAGE}?day=4", "admin"),
        Screen("lesson", f"{_PAGE}/evening-page"),
        Screen("lesson-done", f"{_PAGE}/a-place-to-sit"),
        Screen("lesson-as-student", f"{_PAGE}/a-place-to-sit?day=4", "admin"),
        Screen("lesson-locked", f"{_PAGE}/small-sounds"),
        Screen("lesson-ended", f"{_PAGE}/a-place-to-sit", "reseller"),
        Screen("lesson-stranger", f"{_PAGE}/a-place-to-sit", "poor"),
        Screen("order-course", f"/orders/{world.courses.order}"),
    ]
