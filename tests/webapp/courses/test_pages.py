"""The school's pages: the list, a course for strangers and for students, lessons."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from litestar import Litestar

from backend.bootstrap import Services
from backend.courses.types import LateRule, ScheduleMode
from backend.courses.types.teaching import Schedule
from backend.identity.types import Permission
from tests.fakes.clock import FakeClock
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.school import Classroom
from tests.webapp.sale import field, plain


async def test_a_shop_without_courses_has_no_place_to_learn(services: Services, visitor: MakeVisitor) -> None:
    page = await visitor().get("/shop")
    assert 'href="/shop"' in page.text and 'href="/learn"' not in page.text
    assert "No courses yet" in (await visitor().get("/learn")).text


async def test_a_stranger_chooses_a_plan(room: Classroom) -> None:
    visitor, _ = await room.arrive()
    assert 'href="/learn"' in (await visitor.get("/me")).text
    listed = plain((await visitor.get("/learn")).text)
    assert "To begin" in listed and "4 lessons · 9 min a day" in listed and "from $10.00" in listed
    page = await visitor.get("/learn/calm")
    assert "Join · $30.00" in page.text and 'aria-pressed="true"' in page.text
    assert f"/shop/calm/confirm?variant={room.tariffs['feedback'].variant_id}" in page.text
    part = await visitor.get("/courses/calm/plans?plan=basic", headers={"HX-Target": "plans"})
    assert part.text.lstrip().startswith('<div class="form" id="plans">')
    assert "Join · $10.00" in part.text and "Certificate: with" in part.text


async def test_the_shop_leads_to_the_course(room: Classroom) -> None:
    visitor, _ = await room.arrive()
    answer = await visitor.get("/shop/calm")
    assert (answer.status_code, answer.headers["location"]) == (303, "/learn/calm")


async def test_places_that_are_left_and_none(room: Classroom) -> None:
    visitor, other = await room.arrive()
    tariff = room.tariffs["premium"]
    fields = tariff.fields.__class__(**{**_fields(tariff.fields), "places": 1})
    await room.services.courses.tariffs.change(room.teacher, tariff.id, fields)
    assert "1 left" in (await visitor.get("/learn/calm?plan=premium")).text
    _, student = await room.arrive()
    await room.gift(student, "premium")
    page = (await visitor.get("/learn/calm?plan=premium")).text
    assert "None left" in page and "Notify me" in page and "Add to cart" not in page
    assert other.id != student.id


async def test_the_first_in_line_gets_the_place_that_becomes_free(room: Classroom) -> None:
    visitor, _ = await room.arrive(cents=5_000)
    other, _ = await room.arrive()
    tariffs, basic = room.services.courses.tariffs, room.tariffs["basic"]
    await tariffs.change(room.teacher, basic.id, msgspec.structs.replace(basic.fields, places=1))
    _, student = await room.arrive()
    enrolment = await room.gift(student)
    data = {"plan": "basic"}
    for one, place in ((visitor, "<b>1</b> of 1"), (other, "<b>2</b> of 2")):
        answer = (await one.post("/courses/calm/line", data=data)).text
        assert place in answer and "for 30 min" in answer and "Leave the line" in answer
    await room.revoke(enrolment)
    await room.services.catalog.waiting.serve_all()
    held = (await visitor.get(f"/learn/calm?variant={basic.variant_id}")).text
    assert "Reserved for you" in held and 'role="timer"' in held and "Join · $10.00" in held
    others = (await other.get("/learn/calm?plan=basic")).text
    assert "<b>1</b> of 1" in others and "None left" in others
    link = await visitor.get(f"/shop/calm?variant={basic.variant_id}")
    assert link.headers["location"] == f"/learn/calm?variant={basic.variant_id}"
    await visitor.post("/courses/calm/line/leave", data=data)
    await room.services.catalog.waiting.serve_all()
    assert "Reserved for you" in (await other.get("/learn/calm?plan=basic")).text
    left = await visitor.get("/courses/calm/plans?plan=basic", headers={"HX-Target": "plans"})
    assert "Tap “Notify me”" in left.text and 'hx-post="/courses/calm/line"' in left.text
    refused = await visitor.post("/courses/calm/line", data={"plan": "unknown"})
    assert refused.status_code == 404


async def test_who_has_a_higher_plan_joins_no_line(room: Classroom) -> None:
    visitor, person = await room.arrive()
    tariffs, basic = room.services.courses.tariffs, room.tariffs["basic"]
    await tariffs.change(room.teacher, basic.id, msgspec.structs.replace(basic.fields, places=1))
    await room.gift((await room.arrive())[1])
    path = f"/api/v1/waiting/{basic.variant_id}"
    assert (await visitor.ask("PUT", path, html=False)).json()["number"] == 1
    await room.gift(person, "premium")
    assert (await visitor.post("/courses/calm/line/leave", data={"plan": "basic"})).status_code == 200
    assert (await visitor.get("/api/v1/waiting", html=False)).json() == []
    refused = await visitor.ask("PUT", path, html=False)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "tariff_owned")
    assert (await visitor.post("/courses/calm/line", data={"plan": "basic"})).status_code == 409
    assert (await visitor.get("/api/v1/waiting", html=False)).json() == []


async def test_who_likes_a_full_course_is_told_when_a_place_is_free(room: Classroom) -> None:
    visitor, _ = await room.arrive()
    tariffs, basic = room.services.courses.tariffs, room.tariffs["basic"]
    await tariffs.change(room.teacher, basic.id, msgspec.structs.replace(basic.fields, places=1))
    for code in ("feedback", "premium"):
        await tariffs.delete(room.teacher, room.tariffs[code].id)
    _, student = await room.arrive()
    enrolment = await room.gift(student)
    page = (await visitor.get("/learn/calm")).text
    assert "No places left" in plain(page) and 'hx-post="/favourites/calm"' in page
    assert 'aria-pressed="true"' in (await visitor.post("/favourites/calm")).text
    assert await room.services.catalog.favourites.tell_changed() == 0
    await room.revoke(enrolment)
    assert await room.services.catalog.favourites.tell_changed() == 1
    assert "No places left" not in (await visitor.get("/learn/calm")).text


def _fields(struct: object) -> dict[str, object]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}  # type: ignore[attr-defined]


async def test_after_the_payment_comes_the_course(room: Classroom) -> None:
    visitor, _ = await room.arrive(cents=5_000)
    variant = str(room.tariffs["basic"].variant_id)
    sheet = await visitor.get(f"/shop/calm/confirm?variant={variant}")
    assert "Instant delivery" not in sheet.text
    data = {"variant": variant, "quantity": "1", "intent": field(sheet, "intent")}
    page = await visitor.post("/orders", data=data)
    assert page.headers["hx-push-url"] == "/learn/calm"
    assert "Day 1 opens in a moment" in page.text and 'hx-trigger="load delay:2s"' in page.text
    part = await visitor.get("/learn/calm?joined=1", headers={"HX-Target": "course"})
    assert part.text.lstrip().startswith('<div class="form" id="course">') and "data-haptic" not in part.text[:900]
    assert "You're in." in page.text and 'data-haptic="success"' in page.text
    number = re.search(r'href="/orders/(S-\w+)"', (await visitor.get("/orders")).text)
    assert number is not None
    order = await visitor.get(f"/orders/{number[1]}")
    assert order.text.count('href="/learn/calm"') == 1 and "Open the course" in order.text
    again = await visitor.get(f"/shop/calm/confirm?variant={variant}")
    assert again.status_code == 409 and again.headers["x-error-code"] == "tariff_owned"


async def test_a_student_sees_what_is_done_open_and_locked(room: Classroom) -> None:
    visitor, student = await room.arrive()
    enrolment = await room.gift(student)
    await room.open(enrolment, 2)
    await room.read(student, 1)
    html = (await visitor.get("/learn/calm")).text
    assert 'href="/learn/calm/lesson-2" data-main' in html
    page = plain(html)
    assert "25%" in page and "Basic plan" in page
    assert "Day 2 · 9 min · open now" in page and re.search(r"Opens \w+, 09:00", page)
    listed = plain((await visitor.get("/learn")).text)
    assert "Continue where you were" in listed and "1/4" in listed and "Day 2 · Lesson 2" in listed
    assert re.search(r"Day 3 opens \w+, 09:00", listed) and "To begin" not in listed


async def test_an_upgrade_names_what_was_paid(room: Classroom) -> None:
    visitor, student = await room.arrive(cents=5_000)
    variant = str(room.tariffs["basic"].variant_id)
    intent = field(await visitor.get(f"/shop/calm/confirm?variant={variant}"), "intent")
    await visitor.post("/orders", data={"variant": variant, "quantity": "1", "intent": intent})
    page = plain((await visitor.get("/courses/calm/plans?plan=feedback")).text)
    assert "Already paid" in page and "−$10.00" in page and "Upgrade · $20.00" in page
    assert "Your plan" in (await visitor.get("/courses/calm/plans?plan=basic")).text
    better = str(room.tariffs["feedback"].variant_id)
    sheet = await visitor.get(f"/shop/calm/confirm?variant={better}")
    assert "Already paid" in sheet.text and "$20.00" in sheet.text
    (mine,) = await room.services.courses.learning.mine(student)
    await room.open(mine.enrolment_id, 2)
    upgraded = await visitor.post(
        "/orders", data={"variant": better, "quantity": "1", "intent": field(sheet, "intent")}
    )
    assert upgraded.headers["hx-push-url"] == "/learn/calm"
    assert "Your plan is now Feedback." in upgraded.text and "Opens" in upgraded.text


async def test_pause_resume_and_the_hour(room: Classroom) -> None:
    visitor, student = await room.arrive()
    await room.gift(student)
    paused = await visitor.post("/courses/calm/pause")
    assert "Lessons are paused" in paused.text and "Opens tomorrow" not in paused.text
    assert "Lessons paused" in paused.headers["hx-trigger"]
    assert "Paused" in (await visitor.get("/learn")).text
    assert "Pause lessons" in (await visitor.post("/courses/calm/resume")).text
    sheet = await visitor.get("/courses/calm/times")
    assert '<option value="300">05:00</option>' in sheet.text and "09:00, as in the course" in sheet.text
    moved = await visitor.post("/courses/calm/times", data={"minute": "1200"})
    assert "Opens tomorrow, 20:00" in moved.text and moved.headers["hx-retarget"] == "#app"
    refused = await visitor.post("/courses/calm/times", data={"minute": "60"})
    assert refused.status_code == 422 and "Choose another hour" in refused.text
    assert "Opens tomorrow, 09:00" in (await visitor.post("/courses/calm/times", data={"minute": ""})).text


async def test_who_has_no_zone_is_asked_for_it_before_they_join(room: Classroom) -> None:
    visitor, _ = await room.arrive()
    page = plain((await visitor.get("/learn/calm?plan=basic")).text)
    assert "We don't know your time zone. Lessons come at 09:00, UTC time." in page
    sheet = await visitor.get("/courses/calm/times?plan=basic")
    assert 'value="UTC" selected' in sheet.text and 'name="minute"' not in sheet.text
    refused = await visitor.post("/courses/calm/times", data={"timezone": "Mars/Olympus"})
    assert refused.status_code == 422 and "Choose a time zone." in refused.text
    chosen = await visitor.post("/courses/calm/times", data={"timezone": "Asia/Damascus", "plan": "basic"})
    text = plain(chosen.text)
    assert "We don't know" not in text and "Lesson timeDamascus09:00" in text and "Join · $10.00" in text
    assert chosen.headers["hx-retarget"] == "#app"


async def test_a_students_lessons_move_with_the_zone_that_they_choose(room: Classroom) -> None:
    visitor, student = await room.arrive()
    await room.open(await room.gift(student), 1)
    assert "We don't know your time zone" in plain((await visitor.get("/learn/calm")).text)
    (before,) = await room.services.courses.learning.mine(student)
    page = await visitor.post("/courses/calm/times", data={"timezone": "Asia/Tokyo", "minute": ""})
    assert "We don't know" not in page.text and "Lesson timeTokyo09:00" in plain(page.text)
    (after,) = await room.services.courses.learning.mine(student)
    assert before.next_due_at is not None and after.next_due_at is not None
    assert after.next_due_at.astimezone(ZoneInfo("Asia/Tokyo")).hour == 9, "at once, not only after a worker's turn"
    assert before.next_due_at.hour == 9


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        (LateRule.ALL_AT_ONCE, "all past lessons open immediately", "All its past lessons open when you join"),
        (LateRule.FROM_TODAY, "you go on with the group that day", "You go on with it today"),
        (LateRule.ONE_A_DAY, "you begin with the first lesson", "You begin with the first lesson"),
    ],
)
async def test_who_joins_a_cohort_late_is_told_what_they_get(
    services: Services, app: Litestar, visitor: MakeVisitor, rule: LateRule, before: str, after: str
) -> None:
    room = await Classroom(services, app, visitor).furnish(
        "autumn", Schedule(mode=ScheduleMode.COHORT, late_rule=rule, local_minute=540)
    )
    today = (await services.courses.courses.get(room.teacher, room.course)).created_at.date()
    for code, start in (("ahead", today + timedelta(days=3)), ("begun", today - timedelta(days=3))):
        run_id = await services.courses.runs.open(room.teacher, room.course, start, "Europe/Berlin")
        fields = msgspec.structs.replace(room.tariffs["basic"].fields, run_id=run_id)
        await services.courses.tariffs.add(room.teacher, room.course, code, fields)
    reader, _ = await room.arrive()
    ahead = plain((await reader.get("/learn/autumn?plan=ahead")).text)
    assert f"If you join later, {before}" in ahead and "This group has started" not in ahead
    begun = plain((await reader.get("/learn/autumn?plan=begun")).text)
    assert f"This group has started. {after}" in begun
    assert "later" not in plain((await reader.get("/learn/autumn?plan=basic")).text)


async def test_nobody_is_asked_for_a_clock_that_the_course_does_not_go_by(
    services: Services, app: Litestar, visitor: MakeVisitor
) -> None:
    daily = await Classroom(services, app, visitor).furnish("daily", Schedule(mode=ScheduleMode.EVERY_24H))
    reader, _ = await daily.arrive()
    assert "Lesson time" not in (await reader.get("/learn/daily")).text
    assert (await reader.get("/courses/daily/times")).status_code == 404
    assert (await reader.post("/courses/daily/times", data={"timezone": "Asia/Tokyo"})).status_code == 404


async def test_a_lesson_is_read_left_and_done(room: Classroom, clock: FakeClock) -> None:
    visitor, student = await room.arrive()
    enrolment = await room.gift(student)
    await room.open(enrolment, 1)
    page = await visitor.get("/learn/calm/lesson-1")
    assert page.status_code == 200 and "Day 1 of 4" in page.text and "<h1" in page.text
    assert 'width="40" height="20"' in page.text and "style=" not in page.text and "<script" not in page.text
    assert re.search(r'<h2 id="part-1"[^>]*>A part</h2>', page.text)
    picture = re.search(r'<img src="([^"]+)"', page.text)
    assert picture is not None
    address = picture[1].replace("&amp;", "&")
    assert (await visitor.client.get(address)).content.startswith(b"GIF")
    url = "/courses/calm/lessons/lesson-1"
    assert page.text.count(f'hx-post="{url}/place"') == 2 and "resume" not in page.text
    assert (await visitor.post(f"{url}/place", data={"place": "1"})).status_code == 204
    later = (await visitor.get("/learn/calm/lesson-1")).text
    assert "show:#part-1:top" in later and later.count(f'hx-post="{url}/place"') == 1
    assert (await visitor.get(f"{url}/resume")).status_code == 200
    await visitor.post(f"{url}/place", data={"place": "0"})
    assert "show:#part-1:top" in (await visitor.get("/learn/calm/lesson-1")).text
    done = await visitor.post(f"{url}/done")
    assert done.headers["hx-push-url"] == "/learn/calm" and "Day 1 is done" in done.headers["hx-trigger"]
    assert "25%" in done.text
    assert (await visitor.post(f"{url}/done")).status_code == 200
    assert "Back to course" in (await visitor.get("/learn/calm/lesson-1")).text


async def test_done_goes_to_the_next_lesson_and_the_last_one_to_the_course(room: Classroom) -> None:
    visitor, student = await room.arrive()
    await room.open(await room.gift(student), 4)
    await room.read(student, 1, 2)
    answer = await visitor.post("/courses/calm/lessons/lesson-3/done")
    assert answer.headers["hx-push-url"] == "/learn/calm/lesson-4" and "Day 4 of 4" in answer.text
    answer = await visitor.post("/courses/calm/lessons/lesson-4/done")
    assert answer.headers["hx-push-url"] == "/learn/calm" and "You have completed this course" in answer.text
    assert 'data-haptic="success"' in answer.text and "100%" in answer.text


async def test_a_locked_lesson_says_when_it_opens(room: Classroom) -> None:
    visitor, student = await room.arrive()
    await room.open(await room.gift(student), 1)
    page = await visitor.get("/learn/calm/lesson-2")
    assert page.status_code == 403 and 'data-code="lesson_locked"' in page.text
    assert "Opens tomorrow, 09:00" in page.text and 'href="/learn/calm/lesson-1"' in page.text
    assert "First words" not in page.text


async def test_a_teacher_looks_as_a_student_does(room: Classroom, make_admin: MakeAdmin) -> None:
    teacher = await make_admin(81, Permission.TEACHING)
    assert "View as a student" in (await teacher.get("/learn/calm")).text
    page = (await teacher.get("/learn/calm?day=2")).text
    assert "on day 2" in page and 'href="/learn/calm/lesson-2?day=2"' in page
    lesson = await teacher.get("/learn/calm/lesson-2?day=2")
    assert "First words" in lesson.text and "/place" not in lesson.text
    assert (await teacher.get("/learn/calm/lesson-3?day=2")).status_code == 403
    done = await teacher.post("/courses/calm/lessons/lesson-1/done?day=2")
    assert done.headers["hx-push-url"] == "/learn/calm/lesson-2?day=2"
    stranger, _ = await room.arrive()
    assert "Join" in (await stranger.get("/learn/calm?day=2")).text


async def test_access_that_ended_and_regained(room: Classroom) -> None:
    visitor, student = await room.arrive()
    enrolment = await room.gift(student)
    await room.open(enrolment, 2)
    await room.read(student, 1)
    await room.revoke(enrolment)
    page = (await visitor.get("/learn/calm")).text
    assert "Your access has ended" in page and "Join ·" in page
    assert "Access ended" in (await visitor.get("/learn")).text
    closed = await visitor.get("/learn/calm/lesson-1")
    assert (closed.status_code, closed.headers["x-error-code"]) == (403, "access_ended")
    await room.gift(student)
    assert "25%" in (await visitor.get("/learn/calm")).text


@pytest.mark.parametrize("path", ["/learn/none", "/learn/calm/none", "/courses/none/plans", "/courses/none/times"])
async def test_what_there_is_not(room: Classroom, path: str) -> None:
    visitor, _ = await room.arrive()
    assert (await visitor.get(path)).status_code == 404


async def test_a_course_that_is_no_longer_sold_stays_with_its_students(room: Classroom) -> None:
    visitor, student = await room.arrive()
    await room.open(await room.gift(student), 1)
    await room.services.courses.courses.unpublish(room.teacher, room.course)
    assert (await visitor.get("/learn/calm/lesson-1")).status_code == 200
    assert 'href="/learn"' in (await visitor.get("/me")).text
    stranger: Visitor = (await room.arrive())[0]
    assert (await stranger.get("/learn/calm")).status_code == 404
    assert (await stranger.get("/shop/calm")).status_code == 404
