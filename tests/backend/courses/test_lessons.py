"""Lessons read by students and teachers, and written in the panel."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from backend.courses.errors import AccessEnded, FileInUse, LessonEdited, LessonLocked, SlugTaken
from backend.courses.types import CourseId, LessonId
from backend.courses.types.editing import EditedText, LessonFields
from backend.courses.types.lessons import TextProblem
from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.text import Locale
from tests.backend.courses.test_media import png
from tests.factories.courses import add_course, add_teacher, course_services, enrolments_of, open_lessons, tariffs_of
from tests.factories.shop import buyers
from tests.fakes.clock import FakeClock


def fields(slug: str, body: str = "Text of **it**.", **more: Any) -> LessonFields:
    """A lesson in English, and in Arabic where ``ar`` is given."""
    texts = {Locale.EN: EditedText(slug.title(), body)}
    if arabic := more.pop("ar", None):
        texts[Locale.AR] = EditedText("درس", arabic)
    return LessonFields(slug=slug, texts=texts, **more)


class Desk:
    """A teacher, a course with three lessons, and a student to whom the first two are open."""

    def __init__(self, uow: UnitOfWork, clock: FakeClock, folder: Path) -> None:
        self.uow = uow
        self.clock = clock
        self.services = course_services(uow, folder)
        self.lessons = self.services.lessons
        self.editing = self.services.editing

    async def furnish(self) -> Desk:
        """Store everything."""
        self.teacher = await add_teacher(self.uow)
        self.course: CourseId = await add_course(self.uow, self.teacher)
        self.path = await self.editing.upload(self.teacher, self.course, "Sea View.PNG", io.BytesIO(png(64, 48)), 33)
        shown = f"![Sea]({self.path})"
        self.ids: list[LessonId] = [
            await self.editing.add(self.teacher, self.course, item)
            for item in (fields("one", shown, ar="نص"), fields("two"), fields("three"))
        ]
        (self.student,) = await buyers(self.uow, 1, 0)
        tariff = (await tariffs_of(self.uow, self.teacher, self.course))["basic"]
        await self.services.students.gift(self.teacher, self.student.id, tariff.id, "a gift")
        (self.enrolment,) = await enrolments_of(self.uow, self.student)
        async with self.uow() as tx:
            await tx.execute(text("DELETE FROM lesson_deliveries"))
        await open_lessons(self.uow, self.enrolment, self.ids[:2], self.clock.now())
        return self

    async def html(self, actor: Actor, slug: str) -> str:
        """What the page of a lesson shows."""
        page = await self.lessons.page(actor, "calm", slug)
        return page.text.html(lambda file: f"/file/{file.name}")


@pytest.fixture
async def desk(uow: UnitOfWork, clock: FakeClock, tmp_path: Path) -> Desk:
    """A school."""
    return await Desk(uow, clock, tmp_path).furnish()


async def test_a_student_reads_a_lesson(desk: Desk) -> None:
    page = await desk.lessons.page(desk.student, "calm", "two")
    assert (page.title, page.number, page.count, page.locale, page.preview) == ("Two", 2, 3, Locale.EN, False)
    assert page.previous is not None and (page.previous.slug, page.previous.locked) == ("one", False)
    assert page.next is not None and (page.next.slug, page.next.title, page.next.locked) == ("three", "Three", True)
    assert await desk.html(desk.student, "two") == "<p>Text of <strong>it</strong>.</p>\n"
    first = await desk.lessons.page(desk.student, "calm", "one")
    assert first.previous is None
    assert 'src="/file/Sea-View.png" alt="Sea" width="64" height="48"' in await desk.html(desk.student, "one")


async def test_everybody_reads_it_in_their_language_or_the_nearest(desk: Desk) -> None:
    arab = replace(desk.student, language=Locale.AR)
    page = await desk.lessons.page(arab, "calm", "one")
    assert (page.title, page.locale) == ("درس", Locale.AR)
    assert page.next is not None and page.next.title == "Two"
    russian = replace(desk.student, language=Locale.RU)
    assert (await desk.lessons.page(russian, "calm", "one")).locale is Locale.EN


async def test_who_may_not_read_it(desk: Desk) -> None:
    (stranger,) = await buyers(desk.uow, 1, 0)
    for person, slug, refusal in (
        (desk.student, "three", LessonLocked), (stranger, "one", Forbidden), (desk.student, "four", NotFound)
    ):  # fmt: skip
        with pytest.raises(refusal):
            await desk.lessons.page(person, "calm", slug)
    detail = await desk.services.students.get(desk.teacher, desk.enrolment)
    await desk.services.students.revoke(desk.teacher, detail.grants[0].id, "over")
    with pytest.raises(AccessEnded):
        await desk.lessons.page(desk.student, "calm", "one")


async def test_a_teacher_previews_any_lesson_and_any_day(desk: Desk) -> None:
    page = await desk.lessons.page(desk.teacher, "calm", "three")
    assert page.preview and page.opened_at is None
    with pytest.raises(LessonLocked):
        await desk.lessons.page(desk.teacher, "calm", "three", as_day=2)
    page = await desk.lessons.page(desk.teacher, "calm", "two", as_day=2)
    assert page.next is not None and page.next.locked
    async with desk.uow.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM lesson_progress"))).scalar_one() == 0


async def test_where_somebody_left_it_comes_back(desk: Desk) -> None:
    await desk.services.learning.open_lesson(desk.student, desk.ids[0])
    await desk.services.learning.save_place(desk.student, desk.ids[0], 61)
    assert await desk.services.learning.complete(desk.student, desk.ids[0])
    page = await desk.lessons.page(desk.student, "calm", "one")
    assert (page.place, page.opened_at, page.completed_at) == (61, desk.clock.now(), desk.clock.now())


async def test_a_changed_text_is_a_new_version_that_is_rendered_again(desk: Desk) -> None:
    async with desk.uow() as tx:
        await tx.execute(text("UPDATE lesson_deliveries SET lesson_version = 1"))
    before = await desk.lessons.page(desk.student, "calm", "two")
    desk.clock.move(minutes=5)
    await desk.editing.change(desk.teacher, desk.ids[1], fields("two", "New."), version=1)
    page = await desk.lessons.page(desk.student, "calm", "two")
    assert (before.version, before.updated_since_sent, page.version, page.updated_since_sent) == (1, False, 2, True)
    assert page.updated_at == desk.clock.now()
    assert await desk.html(desk.student, "two") == "<p>New.</p>\n"
    await desk.editing.change(desk.teacher, desk.ids[1], fields("two", "New.", minutes=7), version=2)
    assert (await desk.lessons.page(desk.student, "calm", "two")).version == 2


async def test_a_replaced_file_is_shown_at_once(desk: Desk) -> None:
    await desk.html(desk.student, "one")
    await desk.editing.upload(desk.teacher, desk.course, "Sea View.png", io.BytesIO(png(20, 10)), 33)
    assert 'width="20" height="10"' in await desk.html(desk.student, "one")


async def test_two_teachers_do_not_overwrite_each_other(desk: Desk) -> None:
    await desk.editing.change(desk.teacher, desk.ids[1], fields("two", "Mine."), version=1)
    with pytest.raises(LessonEdited):
        await desk.editing.change(desk.teacher, desk.ids[1], fields("two", "Yours."), version=1)
    with pytest.raises(SlugTaken):
        await desk.editing.change(desk.teacher, desk.ids[1], fields("one"), version=2)
    with pytest.raises(LessonEdited):
        await desk.editing.reorder(desk.teacher, desk.course, desk.ids[:2])


@pytest.mark.parametrize(
    ("lesson", "field", "code"),
    [
        (fields("a b"), "slug", "invalid"),
        (fields("x", minutes=0), "minutes", "invalid"),
        (LessonFields(slug="x", texts={}), "title_en", "required"),
        (LessonFields(slug="x", texts={Locale.AR: EditedText(" ", "نص")}), "title_ar", "required"),
        (fields("x", "ok\n\n[a](javascript:b)"), "body_en", TextProblem.BAD_LINK),
        (fields("x", "![a](media/none.png)"), "body_en", TextProblem.UNKNOWN_FILE),
    ],
)
async def test_a_form_with_a_mistake(desk: Desk, lesson: LessonFields, field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.editing.add(desk.teacher, desk.course, lesson)
    assert refused.value.fields == {field: code}
    if field.startswith("body") and code is TextProblem.BAD_LINK:
        assert refused.value.params["line"] == 3


async def test_a_new_order_says_whom_it_moves_before_it_does(desk: Desk) -> None:
    one, two, three = desk.ids
    assert await desk.editing.reorder(desk.teacher, desk.course, [three, one, two], dry_run=True) == 1
    assert [item.slug for item in await desk.lessons.titles(desk.student, "calm")] == ["one", "two", "three"]
    await desk.editing.reorder(desk.teacher, desk.course, [three, one, two])
    assert [item.slug for item in await desk.lessons.titles(desk.student, "calm")] == ["three", "one", "two"]
    # What they have had stays open.
    assert (await desk.lessons.page(desk.student, "calm", "two")).number == 3


async def test_a_deleted_lesson_is_gone_for_everybody_and_completes_the_others(desk: Desk) -> None:
    for lesson in desk.ids[:2]:
        await desk.services.learning.complete(desk.student, lesson)
    await desk.editing.delete(desk.teacher, desk.ids[2], dry_run=True)
    assert (await desk.lessons.page(desk.student, "calm", "two")).count == 3
    await desk.editing.delete(desk.teacher, desk.ids[2])
    assert (await desk.lessons.page(desk.student, "calm", "two")).next is None
    (mine,) = await desk.services.learning.mine(desk.student)
    assert mine.progress.percent == 100 and mine.progress.completed_at is not None
    with pytest.raises(NotFound):
        await desk.editing.delete(desk.teacher, desk.ids[2])
    # Its address is free again.
    await desk.editing.add(desk.teacher, desk.course, fields("three"))


async def test_a_lesson_that_is_published_later_is_locked_until_then(desk: Desk) -> None:
    later = desk.clock.now() + timedelta(days=2)
    await desk.editing.change(desk.teacher, desk.ids[1], fields("two", publish_at=later), version=1)
    with pytest.raises(LessonLocked):
        await desk.lessons.page(desk.student, "calm", "two")
    desk.clock.move(days=3)
    assert (await desk.lessons.page(desk.student, "calm", "two")).title == "Two"


async def test_a_preview_shows_the_text_and_its_problems(desk: Desk) -> None:
    preview = await desk.editing.preview(desk.teacher, desk.course, f"![S]({desk.path})\n\n<b>x</b> [y](ftp://z)")
    assert [(item.line, item.code) for item in preview.problems] == [(3, TextProblem.BAD_LINK)]
    assert preview.text.html(lambda file: file.path).startswith(f'<figure><img src="{desk.path}"')


async def test_files_of_a_course(desk: Desk) -> None:
    (item,) = await desk.editing.list_files(desk.teacher, desk.course)
    with pytest.raises(FileInUse):
        await desk.editing.delete_file(desk.teacher, desk.course, item.id)
    for data, name, code in ((b"<svg onload=x>", "a.png", "wrong_type"), (b"x" * 10_000_001, "b.png", "too_large")):
        with pytest.raises(Invalid) as refused:
            await desk.editing.upload(desk.teacher, desk.course, name, io.BytesIO(data), len(data))
        assert refused.value.fields == {"file": code}
    odd = await desk.editing.upload(desk.teacher, desk.course, "../../شعار.exe", io.BytesIO(png(1, 1)), 33)
    assert odd == "media/file.png"
    odd_id = next(file.id for file in await desk.editing.list_files(desk.teacher, desk.course) if file.path == odd)
    await desk.editing.delete_file(desk.teacher, desk.course, odd_id)
    assert len(await desk.editing.list_files(desk.teacher, desk.course)) == 1
