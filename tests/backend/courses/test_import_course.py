"""Imports of a course's folder: what changes, what stays, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from backend.courses.errors import NotACourseFolder
from backend.courses.types import CourseState
from backend.courses.types.authoring import CourseReport
from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden
from tests.backend.courses.test_media import mp4, png
from tests.factories.courses import add_category, add_course, add_teacher, course_services, enrolments_of
from tests.factories.shop import buyers
from tests.factories.wallet import usd

_COURSE = """---
title: Calm
slug: calm-days
category: school
currency: USD
state: published
tariffs:
  - code: basic
    name: Basic
    price: 19
  - code: premium
    name: Premium
    price: 49
    places: 5
---

Seven days.
"""


class Desk:
    """An author with a folder of two lessons, in a shop."""

    def __init__(self, uow: UnitOfWork, folder: Path, **limits: int) -> None:
        self.uow = uow
        self.folder = folder / "calm"
        self.services = course_services(uow, folder / "files", **limits)
        self.write("course.md", _COURSE)
        self.write("01-one.md", "---\ntitle: One\n---\n\n![Sea](media/sea.png)\n")
        self.write("02-two.md", "---\ntitle: Two\nminutes: 5\n---\n\nText.\n")
        self.write("media/sea.png", png(640, 480))

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    async def load(self, *, apply: bool = True, **options: Any) -> CourseReport:
        """Import the folder."""
        return await self.services.authoring.import_folder(Actor.system(), self.folder, apply=apply, **options)

    async def changes(self, **options: Any) -> list[str]:
        """What an import changes, as "lesson one update text.en"."""
        report = await self.load(**options)
        assert report.problems == ()
        return [" ".join((item.kind, item.ref, item.action, *item.fields)) for item in report.changes]

    async def problems(self) -> list[str]:
        """What is wrong with the folder; nothing is written."""
        report = await self.load()
        assert not report.applied
        return [f"{item.file}:{item.line} {item.code} {item.field}".strip() for item in report.problems]

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        async with self.uow.read() as tx:
            return [tuple(row) for row in await tx.execute(text(sql))]


@pytest.fixture
async def desk(uow: UnitOfWork, tmp_path: Path) -> Desk:
    """A shop with a category for courses, and a folder."""
    async with uow() as tx:
        await add_category(tx)
    return Desk(uow, tmp_path)


async def test_an_import_makes_a_course_that_can_be_bought(desk: Desk) -> None:
    dry = await desk.changes(apply=False)
    assert await desk.rows("SELECT slug FROM courses") == [] and not (desk.folder.parent / "files").exists()
    assert await desk.changes() == dry == [
        "course calm-days create", "tariff basic create", "tariff premium create", "file media/sea.png create",
        "lesson one create", "lesson two create",
    ]  # fmt: skip
    course = await desk.services.courses.find(Actor.system(), "calm-days")
    assert (course.state, course.lessons, course.product.name) == (CourseState.PUBLISHED, 2, {"en": "Calm"})
    tariffs = await desk.services.tariffs.list_of(Actor.system(), course.id)
    assert [(item.code, item.fields.price, item.fields.places) for item in tariffs] == [
        ("basic", usd(1900), None), ("premium", usd(4900), 5)
    ]  # fmt: skip
    assert await desk.changes() == []


async def test_a_changed_text_moves_nobody(desk: Desk) -> None:
    await desk.load()
    student = await _student(desk)
    (enrolment,) = await enrolments_of(desk.uow, student)
    async with desk.uow() as tx:
        lesson = "(SELECT id FROM lessons WHERE slug = 'two')"
        await tx.execute(
            text(f"UPDATE enrolments SET next_lesson_id = {lesson}, next_due_at = now(), due_rule = '{{}}'")
        )
    lessons = "SELECT id, position FROM lessons ORDER BY position"
    before = await desk.rows("SELECT * FROM enrolments"), await desk.rows(lessons)

    desk.write("02-two.md", "---\ntitle: Two, better\nminutes: 5\n---\n\nOther text.\n")
    report = await desk.load()
    assert [(item.ref, item.fields) for item in report.changes] == [("two", ("text.en",))]
    assert not report.moves_schedule
    assert (await desk.rows("SELECT * FROM enrolments"), await desk.rows(lessons)) == before
    assert await desk.rows("SELECT slug, version FROM lessons ORDER BY slug") == [("one", 1), ("two", 2)]
    assert enrolment


async def test_a_replaced_file_is_a_new_version_of_the_lessons_that_show_it(desk: Desk) -> None:
    await desk.load()
    async with desk.uow() as tx:
        await tx.execute(text("UPDATE lesson_media SET telegram_file_id = 'x', telegram_bot_id = 7"))
    desk.write("media/sea.png", png(320, 240))
    assert await desk.changes() == ["file media/sea.png update", "lesson one update media/sea.png"]
    assert await desk.rows("SELECT width, height, telegram_file_id FROM lesson_media") == [(320, 240, None)]
    assert await desk.rows("SELECT slug, version FROM lessons ORDER BY slug") == [("one", 2), ("two", 1)]


async def test_a_missing_lesson_stays_until_its_deletion_is_asked_for(desk: Desk) -> None:
    await desk.load()
    (desk.folder / "01-one.md").unlink()
    (desk.folder / "media" / "sea.png").unlink()
    assert await desk.changes() == [
        "lesson one missing", "course calm-days update order", "file media/sea.png missing"
    ]  # fmt: skip
    assert await desk.changes() == ["lesson one missing", "file media/sea.png missing"]
    assert await desk.changes(delete_missing=True) == ["lesson one delete", "file media/sea.png delete"]
    assert await desk.rows("SELECT slug, deleted_at IS NULL FROM lessons ORDER BY slug") == [
        ("one", False), ("two", True)
    ]  # fmt: skip
    desk.write("01-one.md", "---\ntitle: One again\n---\n\nText.\n")
    assert "lesson one create" in await desk.changes()


async def test_a_deleted_lesson_may_complete_the_course(desk: Desk) -> None:
    await desk.load()
    student = await _student(desk)
    (enrolment,) = await enrolments_of(desk.uow, student)
    async with desk.uow() as tx:
        sql = """
            INSERT INTO lesson_progress (enrolment_id, lesson_id, opened_at, completed_at)
            SELECT :enrolment, id, now(), now() FROM lessons WHERE slug = 'two'
        """
        await tx.execute(text(sql), {"enrolment": enrolment})
    (desk.folder / "01-one.md").unlink()
    await desk.load(delete_missing=True)
    assert await desk.rows("SELECT completed_at IS NOT NULL FROM enrolments") == [(True,)]


async def test_a_new_order_and_a_new_hour_say_that_they_move_schedules(desk: Desk) -> None:
    await desk.load()
    (desk.folder / "02-two.md").rename(desk.folder / "00-two.md")
    report = await desk.load()
    assert [item.fields for item in report.changes] == [("order",)] and report.moves_schedule
    assert await desk.rows("SELECT slug FROM lessons ORDER BY position") == [("two",), ("one",)]
    desk.write("course.md", _COURSE.replace("state:", "hour: 7:45\nstate:"))
    report = await desk.load()
    assert [item.fields for item in report.changes] == [("local_minute",)] and report.moves_schedule


async def test_a_tariff_that_the_folder_lacks_is_retired_only_when_asked(desk: Desk) -> None:
    await desk.load()
    desk.write("course.md", _COURSE.replace("  - code: premium\n    name: Premium\n    price: 49\n    places: 5\n", ""))
    assert await desk.changes() == ["tariff premium missing"]
    assert await desk.changes(delete_missing=True) == ["tariff premium delete"]
    desk.write("course.md", _COURSE)
    assert await desk.changes() == ["tariff premium update retired"]


async def test_a_cohort_is_opened_once(desk: Desk) -> None:
    cohort = _COURSE.replace("price: 49", "price: 49\n    starts_on: 2027-03-01").replace(
        "state:", "mode: cohort\nstate:"
    )
    desk.write("course.md", cohort)
    await desk.load()
    assert await desk.changes() == []
    assert [str(row[0]) for row in await desk.rows("SELECT starts_on FROM course_runs ORDER BY number")] == [
        "None", "2027-03-01"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("category: school", "category: nowhere", "course.md:4 unknown_category category"),
        ("currency: USD", "currency: EUR", "course.md:5 not_the_currency currency"),
        ("slug: calm-days", "slug: gift-card", "course.md:3 taken slug"),
    ],
)
async def test_what_the_shop_refuses_is_reported_at_its_line(desk: Desk, old: str, new: str, problem: str) -> None:
    other = course_services(desk.uow)
    teacher = await add_teacher(desk.uow)
    await add_course(desk.uow, teacher, "gift-card")
    async with desk.uow() as tx:
        await tx.execute(text("UPDATE courses SET slug = 'renamed'"))
    desk.write("course.md", _COURSE.replace(old, new))
    assert await desk.problems() == [problem]
    assert [item.slug for item in await other.courses.list_all(teacher)] == ["renamed"]


async def test_files_that_are_not_what_they_say(desk: Desk, tmp_path: Path) -> None:
    desk.write("media/clip.mp4", png(3, 3))
    desk.write("media/page.html", "<html>")
    desk.write("media/run.svg", "<svg onload='x'/>")
    desk.write("media/two words é.png", png(3, 3))
    desk.write(".git/config", "x")
    (tmp_path / "secret.png").write_bytes(png(1, 1))
    (desk.folder / "media" / "link.png").symlink_to(tmp_path / "secret.png")
    assert await desk.problems() == [
        "media/clip.mp4:0 name_and_type", "media/link.png:0 bad_file_name", "media/page.html:0 type_not_known",
        "media/run.svg:0 type_not_known", "media/two words é.png:0 bad_file_name",
    ]  # fmt: skip


async def test_a_video_of_60_mb_is_taken_and_one_above_the_limit_is_refused(uow: UnitOfWork, tmp_path: Path) -> None:
    async with uow() as tx:
        await add_category(tx)
    desk = Desk(uow, tmp_path, largest_file=60_000_000)
    desk.write("media/long.mp4", mp4(1280, 720, 900))
    with (desk.folder / "media" / "long.mp4").open("r+b") as file:
        file.truncate(60_000_000)
    desk.write("02-two.md", "---\ntitle: Two\n---\n\n![Watch](media/long.mp4)\n")
    assert "file media/long.mp4 create" in await desk.changes()
    with (desk.folder / "media" / "long.mp4").open("r+b") as file:
        file.truncate(60_000_001)
    assert await desk.problems() == ["02-two.md:5 unknown_file", "media/long.mp4:0 too_large"]


async def test_a_folder_of_something_else_is_neither_read_nor_overwritten(desk: Desk, tmp_path: Path) -> None:
    await desk.load()
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    with pytest.raises(NotACourseFolder):
        await desk.services.authoring.export_folder(Actor.system(), "calm-days", other)
    with pytest.raises(NotACourseFolder):
        await desk.services.authoring.import_folder(Actor.system(), tmp_path / "nowhere", apply=True)
    report = await desk.services.authoring.import_folder(Actor.system(), other, apply=True)
    assert [item.code.value for item in report.problems] == ["no_lessons", "no_course", "type_not_known"]


async def test_only_teachers_import(desk: Desk) -> None:
    (somebody,) = await buyers(desk.uow, 1, 0)
    with pytest.raises(Forbidden):
        await desk.services.authoring.import_folder(somebody, desk.folder, apply=False)


async def _student(desk: Desk) -> Actor:
    """Somebody to whom a teacher gave the course."""
    teacher = await add_teacher(desk.uow)
    (student,) = await buyers(desk.uow, 1, 0)
    course = await desk.services.courses.find(teacher, "calm-days")
    tariff, *_ = await desk.services.tariffs.list_of(teacher, course.id)
    await desk.services.students.gift(teacher, student.id, tariff.id, "a gift")
    return student
