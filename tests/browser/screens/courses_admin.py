"""The school in the back office, on the course and the students of tests.browser.screens.courses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect
from sqlalchemy import text

from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.courses.types.teaching import StudentFilter, StudentState
from backend.identity.types import Actor
from tests.browser.screens.courses import COURSE
from tests.browser.screens.screen import Screen, press, send_empty, sheet
from tests.browser.stack import Stack
from tests.factories.courses import add_course

if TYPE_CHECKING:
    from tests.browser.screens.world import World


class Past(msgspec.Struct, frozen=True):
    """The demo's course, one of its lessons and plans, a student who is learning, and a course without anything."""

    course: CourseId
    lesson: LessonId
    plan: str
    student: EnrolmentId
    empty: CourseId

    @property
    def path(self) -> str:
        """Where its pages are."""
        return f"/admin/courses/{self.course}"


async def live(stack: Stack, admin: Actor) -> Past:
    """Have a draft without lessons, and the first lesson of the student who is learning refused by Telegram."""
    school = stack.services.courses
    empty = await add_course(stack.services.uow, admin, "new-course", published=False)
    course = (await school.courses.find(admin, COURSE)).id
    lessons = await school.editing.list_lessons(admin, course)
    learning = await school.students.ids_of(admin, course, StudentFilter(state=StudentState.ACTIVE))
    async with stack.services.uow() as tx:
        # Whatever the worker has done with it by now.
        refused = (
            "UPDATE lesson_deliveries SET state = 'failed', reason = 'refused', retry_at = NULL, lease_until = NULL,"
            " sent_at = NULL"
        )
        row = {"student": learning[0], "lesson": lessons[0].id}
        await tx.execute(text(f"{refused} WHERE enrolment_id = :student AND lesson_id = :lesson"), row)
    tariffs = await school.tariffs.list_of(admin, course)
    return Past(course, lessons[0].id, str(tariffs[-1].id), learning[0], empty)


def screens(world: World) -> list[Screen]:
    """From the list of courses inwards."""
    past = world.courses_admin
    path, empty = past.path, f"/admin/courses/{past.empty}"
    return [
        Screen("manage-courses", "/admin/courses", "admin"),
        Screen("manage-course", path, "admin"),
        Screen("manage-course-run", path, "admin", press("button[hx-get$='/runs/new']")),
        Screen("manage-course-draft", empty, "admin"),
        Screen("manage-course-new", "/admin/courses/new", "admin"),
        Screen("manage-course-error", "/admin/courses/new", "admin", send_empty),
        Screen("manage-course-edit", f"{path}/edit", "admin"),
        Screen("manage-plan", f"{path}/plans/{past.plan}", "admin"),
        Screen("manage-plan-error", f"{path}/plans/new", "admin", send_empty),
        Screen("manage-lessons", f"{path}/lessons", "admin"),
        Screen("manage-lessons-empty", f"{empty}/lessons", "admin"),
        Screen("manage-lesson", f"{path}/lessons/{past.lesson}", "admin"),
        Screen("manage-lesson-problem", f"{path}/lessons/{past.lesson}", "admin", _mistype),
        Screen("manage-lesson-error", f"{path}/lessons/new", "admin", send_empty),
        Screen("manage-lesson-delete", f"{path}/lessons/{past.lesson}", "admin", _ask_delete),
        Screen("manage-course-figures", f"{path}/figures", "admin", _feedback_loaded),
        Screen("manage-course-figures-empty", f"{empty}/figures", "admin", _feedback_loaded),
        Screen("manage-students", f"{path}/students", "admin"),
        Screen("manage-students-empty", f"{empty}/students", "admin"),
        Screen("manage-students-schedule", f"{path}/students", "admin", press("button[hx-get*='/schedule']")),
        Screen("manage-schedule-changes", f"{path}/schedule/changes", "admin"),
        Screen("manage-student", f"{path}/students/{past.student}", "admin"),
        Screen("manage-student-gift", f"{path}/students/{past.student}", "admin", press("button[hx-get*='/gift/']")),
        Screen("manage-student-revoke", f"{path}/students/{past.student}", "admin", sheet("revoke")),
        Screen("manage-gift-course", f"{path}/gift", "admin"),
        Screen("manage-lesson-deliveries", f"{path}/deliveries", "admin"),
        Screen("manage-lesson-deliveries-empty", f"{empty}/deliveries", "admin"),
    ]


async def _feedback_loaded(page: Page) -> None:
    await expect(page.locator("#feedback .section")).to_be_visible()


async def _mistype(page: Page) -> None:
    await page.locator("#body_en").fill("# Hello\n\n[a link](http://example.com)")
    await expect(page.locator("#preview-en .problems")).to_be_attached()


async def _ask_delete(page: Page) -> None:
    await page.locator("button[hx-post$='/delete'].cell--danger").click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_visible()
