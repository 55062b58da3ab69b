"""Lessons in the back office: their order with its dry run, the editor, files, deletion and its undo."""

from __future__ import annotations

import pytest

from backend.bootstrap import Services
from backend.courses.types import LessonId
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.kernel.text import Locale
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor
from tests.webapp.courses.admin.conftest import PICTURE, Desk
from tests.webapp.courses.admin.test_courses import form
from tests.webapp.sale import plain

FILM = b"\0\0\0\x18ftypmp42"


async def test_a_lesson_goes_up_and_down_at_once_where_nobody_is_moved(desk: Desk) -> None:
    listed = await desk.page.get(f"{desk.path}/lessons")
    assert listed.text.index("Breathe") < listed.text.index("Walk") < listed.text.index("Sleep")
    moved = await desk.page.post(f"{desk.path}/lessons/order", data={"lesson": str(desk.lessons[2]), "to": "1"})
    assert "Order changed" in moved.headers["hx-trigger"]
    assert await desk.titles() == ["Sleep", "Breathe", "Walk"]
    await desk.page.post(f"{desk.path}/lessons/order", data={"lesson": str(desk.lessons[2]), "to": "2"})
    assert await desk.titles() == ["Breathe", "Sleep", "Walk"]


async def test_an_order_that_moves_students_is_asked_first(desk: Desk, student: Visitor, clock: FakeClock) -> None:
    later = clock.now().replace(year=clock.now().year + 1)
    path = f"{desk.path}/lessons/{desk.lessons[2]}"
    values = form((await desk.page.get(path)).text)
    await desk.page.post(path, data={**values, "publish_at": later.strftime("%Y-%m-%dT%H:%M")})
    enrolment = await desk.enrol(student)
    before = await desk.next_due(enrolment)
    move = {"lesson": str(desk.lessons[2]), "to": "1"}
    asked = await desk.page.post(f"{desk.path}/lessons/order", data=move)
    assert asked.headers["hx-retarget"] == "#sheet"
    assert "The next lesson of 1 student comes at another time." in plain(asked.text)
    assert await desk.titles() == ["Breathe", "Walk", "Sleep"] and await desk.next_due(enrolment) == before
    done = await desk.page.post(f"{desk.path}/lessons/order", data=form(asked.text))
    assert "Order changed" in done.headers["hx-trigger"]
    assert await desk.titles() == ["Sleep", "Breathe", "Walk"]
    assert await desk.next_due(enrolment) != before


async def test_an_order_of_other_lessons_is_refused(desk: Desk) -> None:
    order = ",".join(str(one) for one in desk.lessons[:2])
    stale = await desk.page.post(f"{desk.path}/lessons/order", data={"order": order})
    assert (stale.status_code, stale.headers["x-error-code"]) == (409, "lesson_edited")
    gone = await desk.page.post(
        f"{desk.path}/lessons/order", data={"lesson": "0199c0de-0000-7000-8000-000000000000", "to": "1"}
    )
    assert gone.status_code == 409
    for nonsense in ({"order": "1,2"}, {"lesson": "x", "to": "1"}, {"lesson": str(desk.lessons[0]), "to": "0"}):
        assert (await desk.page.post(f"{desk.path}/lessons/order", data=nonsense)).status_code == 400
    assert await desk.titles() == ["Breathe", "Walk", "Sleep"]


async def test_a_lesson_is_written_in_two_languages(services: Services, desk: Desk) -> None:
    new = {
        "slug": "thank", "minutes": "7", "publish_at": "2027-03-01T08:30", "title_en": "Thank", "title_ar": "شكر",
        "body_en": "    code\r\n\r\nText", "body_ar": "نص",
    }  # fmt: skip
    added = await desk.page.post(f"{desk.path}/lessons", data=new)
    assert added.status_code == 200, plain(added.text)
    stored = (await services.courses.editing.list_lessons(desk.teacher, desk.course_id))[-1]
    assert (stored.fields.slug, stored.fields.minutes, stored.fields.required) == ("thank", 7, False)
    assert stored.fields.publish_at is not None
    assert stored.fields.texts[Locale.EN].body.startswith("    code\n")
    assert set(stored.fields.texts) == {Locale.EN, Locale.AR}
    page = await desk.page.get(f"{desk.path}/lessons/{stored.id}")
    assert 'value="2027-03-01T08:30"' in page.text and "<pre" in page.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title_en": ""}, "Enter a title."),
        ({"slug": "walk"}, "This address is taken"),
        ({"slug": "no way"}, "Use letters, digits"),
        ({"minutes": "long"}, "Enter a number"),
        ({"minutes": "20000"}, "Value is out of range."),
        ({"publish_at": "tomorrow"}, "Choose a day and an hour."),
        ({"publish_at": "9999-12-31T23:59:59"}, "Choose a day and an hour."),
        ({"body_en": "one\n\n[x](javascript:alert(1))"}, "Line 3: Links must begin with"),
        ({"body_en": "![x](media/none.png)"}, "This course has no such file. media/none.png"),
        ({"body_en": "![x](https://example.com/x.png)"}, "Pictures must be files of this course."),
        ({"body_en": ""}, "The text is empty."),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_stays(desk: Desk, changes: dict[str, str], said: str) -> None:
    path = f"{desk.path}/lessons/{desk.lessons[0]}"
    values = form((await desk.page.get(path)).text)
    refused = await desk.page.post(path, data={**values, "title_ar": "تنفس", "body_ar": "نص", **changes})
    assert (refused.status_code, said in plain(refused.text)) == (422, True), plain(refused.text)
    assert "تنفس" in refused.text
    assert await desk.titles() == ["Breathe", "Walk", "Sleep"]


async def test_two_editors_do_not_overwrite_each_other(desk: Desk) -> None:
    path = f"{desk.path}/lessons/{desk.lessons[0]}"
    values = form((await desk.page.get(path)).text)
    await desk.page.post(path, data={**values, "body_en": "Mine"})
    late = await desk.page.post(path, data={**values, "body_en": "Theirs"})
    assert (late.status_code, late.headers["x-error-code"]) == (409, "lesson_edited")
    assert "Theirs" in late.text
    assert "Mine" in (await desk.page.get(path)).text


async def test_a_preview_is_rendered_as_the_page_and_names_problems(desk: Desk) -> None:
    await desk.page.post(f"{desk.path}/files", files={"file": ("a b.png", PICTURE)})
    body = "# Head\n\n![sea](media/a-b.png)\n\n<script>alert(1)</script>\n\n[x](http://example.com)"
    shown = await desk.page.post(f"{desk.path}/preview?language=en", data={"body_en": body})
    assert 'id="preview-en"' in shown.text and "Line 7: Links must begin with" in plain(shown.text)
    assert "/learn/media/" in shown.text and "<script>alert" not in shown.text
    address = shown.text.split('src="')[1].split('"')[0].replace("&amp;", "&")
    assert (await desk.page.client.get(address)).content == PICTURE
    assert (await desk.page.post(f"{desk.path}/preview?language=xx")).status_code == 400


async def test_files_are_added_refused_and_deleted(desk: Desk) -> None:
    path = f"{desk.path}/files"
    added = await desk.page.post(path, files={"file": ("Moon & sea.MP4", FILM + bytes(100))})
    assert "media/Moon-sea.mp4" in added.text
    assert "![Moon-sea.mp4](media/Moon-sea.mp4)" in added.text
    for content, said in ((b"", "The file is empty."), (b"#!/bin/sh", "This type of file"), (b"<svg/>", "This type")):
        refused = await desk.page.post(path, files={"file": ("x.png", content)})
        assert (refused.status_code, said in plain(refused.text)) == (422, True)
    lesson = f"{desk.path}/lessons/{desk.lessons[0]}"
    values = form((await desk.page.get(lesson)).text)
    await desk.page.post(lesson, data={**values, "body_en": "![m](media/Moon-sea.mp4)"})
    file_path = f"{path}/{added.text.split(f'{path}/')[1].split('/')[0]}/delete"
    used = await desk.page.post(file_path)
    assert (used.status_code, "A lesson shows this file." in plain(used.text)) == (422, True)
    values = form((await desk.page.get(lesson)).text)
    await desk.page.post(lesson, data={**values, "body_en": "Nothing"})
    assert "Moon-sea" not in (await desk.page.post(file_path)).text


async def test_a_video_of_60_mb_is_refused_whole_and_one_above_the_limit_in_words(desk: Desk) -> None:
    large = await desk.page.post(f"{desk.path}/files", files={"file": ("film.mp4", FILM + bytes(60_000_000))})
    assert (large.status_code, "10 MB max" in plain(large.text)) == (413, True)
    above = await desk.page.post(f"{desk.path}/files", files={"file": ("film.mp4", FILM + bytes(MAX_UPLOAD_BYTES))})
    assert (above.status_code, "larger than 10 MB" in plain(above.text)) == (422, True)


async def test_a_lesson_is_deleted_while_it_is_due_and_comes_back(
    services: Services, desk: Desk, student: Visitor
) -> None:
    enrolment = await desk.enrol(student)
    due = await desk.next_due(enrolment)
    path = f"{desk.path}/lessons/{desk.lessons[1]}"
    asked = await desk.page.post(f"{path}/delete")
    assert asked.headers["hx-retarget"] == "#sheet" and "Delete this lesson?" in plain(asked.text)
    assert len(await desk.titles()) == 3
    deleted = await desk.page.post(f"{path}/delete", data=form(asked.text))
    assert "Lesson deleted." in plain(deleted.text) and await desk.titles() == ["Breathe", "Sleep"]
    assert await desk.next_due(enrolment) == due, "the next one takes its place"
    assert (await desk.page.get(path)).status_code == 404
    back = await desk.page.post(f"{path}/restore")
    assert "Lesson restored" in back.headers["hx-trigger"]
    assert await desk.titles() == ["Breathe", "Walk", "Sleep"]
    assert await desk.next_due(enrolment) == due
    again = await desk.page.post(f"{path}/restore")
    assert again.status_code == 200, "twice is once"


async def test_a_lesson_comes_back_last_where_the_others_are_fewer(desk: Desk) -> None:
    for lesson in (desk.lessons[2], desk.lessons[0], desk.lessons[1]):
        await desk.page.post(f"{desk.path}/lessons/{lesson}/delete", data={"sure": "on"})
    assert "No lessons yet" in plain((await desk.page.get(f"{desk.path}/lessons")).text)
    for lesson in (desk.lessons[2], desk.lessons[0]):
        await desk.page.post(f"{desk.path}/lessons/{lesson}/restore")
    assert await desk.titles() == ["Breathe", "Sleep"]


async def test_another_courses_lesson_is_not_here(services: Services, desk: Desk) -> None:
    from tests.factories.courses import add_course

    other = await add_course(services.uow, desk.teacher, "other")
    path = f"/admin/courses/{other}/lessons/{desk.lessons[0]}"
    assert (await desk.page.get(path)).status_code == 404
    assert (await desk.page.post(f"{path}/delete", data={"sure": "on"})).status_code == 404
    assert (await desk.page.post(f"{path}/restore")).status_code == 404
    assert (await desk.page.get(f"{desk.path}/lessons/{LessonId(desk.course_id)}")).status_code == 404
