"""The switch of reminders in a student's course."""

from __future__ import annotations

from msgspec.structs import replace

from tests.webapp.courses.school import Classroom
from tests.webapp.sale import plain


async def test_a_student_turns_reminders_off_and_on_in_all_courses(room: Classroom) -> None:
    visitor, student = await room.arrive()
    stranger, _ = await room.arrive()
    await room.gift(student)
    assert 'hx-post="/courses/calm/reminders/off"' in (await visitor.get("/learn/calm")).text
    off = await visitor.post("/courses/calm/reminders/off")
    assert "Reminders are off" in off.headers["hx-trigger"] and "Turn on reminders" in plain(off.text)
    assert (await visitor.post("/courses/calm/reminders/off")).status_code == 200
    on = await visitor.post("/courses/calm/reminders/on")
    assert "Reminders are on" in on.headers["hx-trigger"] and "Turn off reminders" in plain(on.text)
    assert (await stranger.post("/courses/calm/reminders/off")).status_code == 404


async def test_a_course_that_sends_none_has_no_switch(room: Classroom) -> None:
    visitor, student = await room.arrive()
    await room.gift(student)
    courses = room.services.courses.courses
    stored = await courses.get(room.teacher, room.course)
    await courses.edit(room.teacher, room.course, stored.product, replace(stored.schedule, remind_days=0))
    assert "reminders" not in (await visitor.get("/learn/calm")).text
