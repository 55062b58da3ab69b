"""Quizzes: before, in the middle, checked, failed, passed; their editor and results in the back office."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect

from backend.courses.types import EnrolmentId, LessonId
from backend.demo.quiz import RIGHT, take_quiz
from backend.identity.types import Actor
from backend.quizzes.types import Answer, AttemptId
from tests.browser.screens.courses import COURSE
from tests.browser.screens.screen import Screen
from tests.browser.stack import Stack
from tests.browser.telegram import Person

if TYPE_CHECKING:
    from tests.browser.screens.world import World

_RUNNING, _FAILED, _NEW, _NONE = "why-the-mind-runs", "a-place-to-sit", "evening-page", "breath-and-pace"
_WRONG = (Answer((1,)), RIGHT[1], Answer((3,)), Answer(text="The smell of bread"), Answer((1,)))


class Past(msgspec.Struct, frozen=True):
    """Lessons with a quiz and without one, a student with attempts and another without, one of the attempts."""

    lesson: LessonId
    new: LessonId
    empty: LessonId
    student: EnrolmentId
    other: EnrolmentId
    attempt: AttemptId


async def live(stack: Stack, people: Mapping[str, Person], admin: Actor) -> Past:
    """The student who learns is in the middle of one quiz and has failed another; lessons one and two get quizzes."""
    rich, saver = await stack.actor(people["rich"].id), await stack.actor(people["saver"].id)
    editing = stack.services.courses.quiz_editing
    lessons = {one.slug: one.id for one in await stack.services.courses.lessons.titles(admin, COURSE)}
    quiz = (await editing.get(admin, lessons[_NEW])).quiz
    assert quiz is not None
    # Not required: other tests of this shop complete these lessons without them.
    quiz = msgspec.structs.replace(quiz, minutes=600, required=False)
    for slug in (_RUNNING, _FAILED):
        version = (await editing.get(admin, lessons[slug])).version
        await editing.save(admin, lessons[slug], quiz, version=version)
    await take_quiz(stack.services.quizzes.attempts, rich, COURSE, _RUNNING, RIGHT[:2])
    await take_quiz(stack.services.quizzes.attempts, rich, COURSE, _FAILED, _WRONG)
    students = [(await stack.services.courses.learning.mine(one))[0].enrolment_id for one in (rich, saver)]
    results = await stack.services.quizzes.results.of_lesson(admin, lessons[_FAILED])
    return Past(lessons[_FAILED], lessons[_NEW], lessons[_NONE], *students, results.attempts[0].id)


def screens(world: World) -> list[Screen]:
    """A student's pages, then a teacher's."""
    past, path = world.quizzes, world.courses_admin.path
    running, lessons, students = f"/learn/{COURSE}/{_RUNNING}/quiz", f"{path}/lessons", f"{path}/students"
    return [
        Screen("quiz-start", f"/learn/{COURSE}/{_NEW}/quiz"),
        Screen("quiz-single", f"{running}?q=1"),
        Screen("quiz-multiple", f"{running}?q=2"),
        Screen("quiz-text", f"{running}?q=4"),
        Screen("quiz-check", f"{running}?q=6"),
        Screen("quiz-failed", f"/learn/{COURSE}/{_FAILED}/quiz"),
        Screen("quiz-passed", f"/learn/{COURSE}/{_NEW}/quiz", "payer"),
        Screen("quiz-none", f"/learn/{COURSE}/{_NONE}/quiz"),
        Screen("quiz-preview", f"/learn/{COURSE}/{_NEW}/quiz", "admin"),
        Screen("manage-quiz", f"{lessons}/{past.lesson}/quiz", "admin"),
        Screen("manage-quiz-new", f"{lessons}/{past.empty}/quiz", "admin"),
        Screen("manage-quiz-error", f"{lessons}/{past.empty}/quiz", "admin", _send_half),
        Screen("manage-quiz-results", f"{lessons}/{past.lesson}/results", "admin"),
        Screen("manage-quiz-results-empty", f"{lessons}/{past.empty}/results", "admin"),
        Screen("manage-quiz-attempt", f"/admin/quizzes/attempts/{past.attempt}", "admin"),
        Screen("manage-student-quizzes", f"{students}/{past.student}/quizzes", "admin"),
        Screen("manage-student-quizzes-empty", f"{students}/{past.other}/quizzes", "admin"),
    ]


async def _send_half(page: Page) -> None:
    """Add a question of each kind, and save them without words."""
    for count, kind in enumerate(("single", "multiple", "text"), start=1):
        await page.locator(f"button[hx-vals*='add:{kind}']").click()
        await expect(page.locator("#questions > .section")).to_have_count(count)
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator(".field__err:not(:empty)").first).to_be_visible()
