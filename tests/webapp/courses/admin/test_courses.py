"""Courses, plans and runs in the back office."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from backend.bootstrap import Services
from backend.courses.types import CourseState, ScheduleMode
from backend.identity.types import Permission
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.courses.admin.conftest import Desk
from tests.webapp.sale import plain

NEW = {
    "title_en": "Sleep well", "title_ar": "نوم هادئ", "summary_en": "Ten evenings", "slug": "sleep-well",
    "category": "school", "mode": "local_hour", "hour": "09:30", "interval_days": "1", "timezone": "Asia/Dubai",
    "digest_after_days": "7", "late_rule": "one_a_day", "price_basic": "10", "price_premium": "٩٠",
}  # fmt: skip


async def test_a_course_is_made_as_a_draft_and_published(services: Services, desk: Desk) -> None:
    assert "Calm" in plain((await desk.page.get("/admin/courses")).text)
    form = await desk.page.get("/admin/courses/new")
    assert 'value="local_hour" checked' in form.text
    created = await desk.page.post("/admin/courses", data=NEW)
    assert created.status_code == 200, created.text[:500]
    assert "Draft" in plain(created.text) and "Sleep well" in plain(created.text)
    course = await services.courses.courses.find(desk.teacher, "sleep-well")
    assert course.product.name == {"en": "Sleep well", "ar": "نوم هادئ"}
    assert (course.schedule.local_minute, course.schedule.timezone) == (570, "Asia/Dubai")
    tariffs = await services.courses.tariffs.list_of(desk.teacher, course.id)
    assert {one.code: one.fields.price.amount for one in tariffs} == {"basic": 1000, "premium": 9000}
    path = f"/admin/courses/{course.id}"
    assert "On sale" in plain((await desk.page.post(f"{path}/publish")).text)
    assert (await services.courses.courses.get(desk.teacher, course.id)).state is CourseState.PUBLISHED
    assert "Draft" in plain((await desk.page.post(f"{path}/unpublish")).text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"timezone": "GMT+3"}, "Choose a time zone."),
        ({"timezone": "../etc/passwd"}, "Choose a time zone."),
        ({"timezone": "Etc/Unknown"}, "Choose a time zone."),
        ({"hour": "25:00"}, "Choose an hour."),
        ({"hour": "half past"}, "Choose an hour."),
        ({"interval_days": "0"}, "Value is out of range."),
        ({"interval_days": "often"}, "Enter a number"),
        ({"title_en": ""}, "Enter a title."),
        ({"slug": "Sleep Well"}, "Use a–z"),
        ({"slug": "calm"}, "This address is taken"),
        ({"price_basic": "much"}, "Enter a number"),
        ({"price_basic": "", "price_premium": ""}, "Enter an amount."),
        ({"moves": "on", "student_from": "09:00", "student_to": "08:00"}, "The end must be after the start."),
        ({"moves": "on"}, "Choose an hour."),
    ],
)
async def test_what_is_wrong_in_the_form_is_said_and_the_rest_stays(
    services: Services, desk: Desk, changes: dict[str, str], said: str
) -> None:
    answer = await desk.page.post("/admin/courses", data={**NEW, **changes})
    assert answer.status_code == 422
    assert said in plain(answer.text)
    assert "Ten evenings" in answer.text and 'aria-invalid="true"' in answer.text
    assert len(await services.courses.courses.list_all(desk.teacher)) == 1


async def test_what_no_form_sends_is_refused(desk: Desk) -> None:
    for changes in ({"mode": "sometimes"}, {"late_rule": "never"}, {"title_en": "x" * 101}, {"moves": "perhaps"}):
        answer = await desk.page.post("/admin/courses", data={**NEW, **changes})
        assert (answer.status_code, answer.headers["x-error-code"]) == (400, "invalid_input"), changes
    assert (await desk.page.post("/admin/courses", data={**NEW, "category": "no-such"})).status_code == 404


def form(page: str) -> dict[str, str]:
    """What stands in the fields of a page."""
    values = dict(re.findall(r'<input id="\w+" name="(\w+)" type="[\w-]+" value="([^"]*)"', page))
    values |= dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n([^<]*)</textarea>', page))
    values |= dict(
        re.findall(r'<input class="vh" type="\w+"(?: role="switch")? name="(\w+)" value="([^"]*)" checked', page)
    )
    for name, options in re.findall(r'<select id="(\w+)".*?>(.*?)</select>', page, re.S):
        values[name] = re.findall(r'<option value="([^"]*)" selected', options)[0]
    values |= dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return {name: html.unescape(value) for name, value in values.items()}


async def test_another_hour_is_asked_first_where_it_moves_students(
    services: Services, desk: Desk, student: Visitor
) -> None:
    enrolment = await desk.enrol(student)
    page = await desk.page.get(f"{desk.path}/edit")
    same = form(page.text)
    saved = await desk.page.post(f"{desk.path}/edit", data={**same, "title_ru": "Спокойствие"})
    assert "Saved" in saved.headers["hx-trigger"]
    changed = {**same, "mode": "local_hour", "hour": "21:15"}
    asked = await desk.page.post(f"{desk.path}/edit", data=changed)
    assert asked.headers.get("hx-retarget") == "#sheet", plain(asked.text)
    assert "The next lesson of 1 student comes at another time." in plain(asked.text)
    assert (await services.courses.courses.get(desk.teacher, desk.course_id)).schedule.mode is ScheduleMode.EVERY_24H
    done = await desk.page.post(f"{desk.path}/edit", data=form(asked.text))
    assert done.status_code == 200
    stored = await services.courses.courses.get(desk.teacher, desk.course_id)
    assert (stored.schedule.mode, stored.schedule.local_minute) == (ScheduleMode.LOCAL_HOUR, 21 * 60 + 15)
    due = await desk.next_due(enrolment)
    assert due is not None and (due.hour, due.minute) == (21, 15)


async def test_a_plan_is_added_changed_and_retired_and_who_has_it_keeps_it(
    services: Services, desk: Desk, student: Visitor
) -> None:
    new = {"name_en": "Group", "code": "group", "price": "45.50", "rank": "5", "groups": "on", "places": "12"}
    for changes, said in (
        ({"code": "basic"}, "has a plan with this code"),
        ({"code": "No!"}, "Use a–z"),
        ({"places": "0"}, "Value is out of range."),
        ({"name_en": ""}, "Enter a name."),
        ({"price": "-1"}, "Value is out of range."),
    ):
        refused = await desk.page.post(f"{desk.path}/plans", data={**new, **changes})
        assert (refused.status_code, said in plain(refused.text)) == (422, True), (changes, plain(refused.text))
    added = await desk.page.post(f"{desk.path}/plans", data=new)
    assert "0 of 12 places taken" in plain(added.text) and "$45.50" in plain(added.text)
    await desk.enrol(student)
    basic = f"{desk.path}/plans/{desk.tariffs['basic'].id}"
    assert "Delete plan" not in plain((await desk.page.get(basic)).text)
    held = await desk.page.post(f"{basic}/delete")
    assert (held.status_code, held.headers["x-error-code"]) == (409, "tariff_in_use")
    stored = form((await desk.page.get(basic)).text)
    changed = await desk.page.post(basic, data={**stored, "price": "12", "certificate": "on"})
    assert "$12.00" in plain(changed.text)
    assert "Retired" in plain((await desk.page.post(f"{basic}/retire")).text)
    (mine,) = await services.courses.learning.mine(await _actor(services, 42))
    assert mine.tariff_id == desk.tariffs["basic"].id
    assert "Retired" not in plain((await desk.page.post(f"{basic}/restore")).text)
    group = next(
        one for one in await services.courses.tariffs.list_of(desk.teacher, desk.course_id) if one.code == "group"
    )
    assert "Plan deleted" in (await desk.page.post(f"{desk.path}/plans/{group.id}/delete")).headers["hx-trigger"]
    assert (await desk.page.get(f"{desk.path}/plans/{group.id}")).status_code == 404


async def _actor(services: Services, telegram_id: int) -> Any:
    return await services.identity.access.actor_by_telegram_id(telegram_id)


async def test_a_cohort_is_opened_closed_and_opened_again(services: Services, desk: Desk) -> None:
    sheet = await desk.page.get(f"{desk.path}/runs/new")
    assert 'name="starts_on" type="date"' in sheet.text
    cohort = {"start": "cohort", "starts_on": "2027-02-01", "timezone": "Europe/Berlin"}
    for changes, said in (
        ({"starts_on": ""}, "Choose a day."),
        ({"starts_on": "soon"}, "Choose a day."),
        ({"timezone": "Mars/Olympus"}, "Choose a time zone."),
    ):
        refused = await desk.page.post(f"{desk.path}/runs", data={**cohort, **changes})
        assert (refused.status_code, refused.headers["hx-retarget"]) == (422, "#sheet")
        assert said in plain(refused.text)
    opened = await desk.page.post(f"{desk.path}/runs", data=cohort)
    assert "Run 2 Starts 1 Feb 2027" in plain(opened.text), plain(opened.text)
    run = (await services.courses.runs.list_of(desk.teacher, desk.course_id))[-1]
    assert "Reopen" in plain((await desk.page.post(f"{desk.path}/runs/{run.id}/close")).text)
    assert "Reopen" not in plain((await desk.page.post(f"{desk.path}/runs/{run.id}/reopen")).text)
    plan = f"{desk.path}/plans/{desk.tariffs['premium'].id}"
    stored = form((await desk.page.get(plan)).text)
    placed = await desk.page.post(plan, data={**stored, "run": str(run.id)})
    assert placed.status_code == 200
    tariffs = await services.courses.tariffs.list_of(desk.teacher, desk.course_id)
    assert {one.code: one.fields.run_id for one in tariffs}["premium"] == run.id
    first = (await services.courses.runs.list_of(desk.teacher, desk.course_id))[0]
    refused = await desk.page.post(plan, data={**stored, "run": str(first.id)})
    assert (refused.status_code, "Choose a cohort of this course." in plain(refused.text)) == (422, True)


async def test_a_course_without_a_plan_on_sale_is_not_published(desk: Desk) -> None:
    await desk.page.post(f"{desk.path}/unpublish")
    for tariff in desk.tariffs.values():
        await desk.page.post(f"{desk.path}/plans/{tariff.id}/retire")
    refused = await desk.page.post(f"{desk.path}/publish")
    assert (refused.status_code, "Add a plan before you publish" in plain(refused.text)) == (422, True)


async def test_only_teachers_come_in(desk: Desk, student: Visitor, make_admin: MakeAdmin) -> None:
    enrolment = await desk.enrol(student)
    keeper = await make_admin(82, *(set(Permission) - {Permission.TEACHING}))
    lesson, tariff = desk.lessons[0], desk.tariffs["basic"].id
    gets = (
        "/admin/courses", "/admin/courses/new", desk.path, f"{desk.path}/edit", f"{desk.path}/plans/new",
        f"{desk.path}/plans/{tariff}", f"{desk.path}/runs/new", f"{desk.path}/lessons", f"{desk.path}/lessons/new",
        f"{desk.path}/lessons/{lesson}", f"{desk.path}/students", f"{desk.path}/students/{enrolment}",
        f"{desk.path}/gift", f"{desk.path}/schedule", f"{desk.path}/schedule/changes", f"{desk.path}/deliveries",
    )  # fmt: skip
    posts = (
        "/admin/courses", f"{desk.path}/edit", f"{desk.path}/publish", f"{desk.path}/unpublish", f"{desk.path}/plans",
        f"{desk.path}/plans/{tariff}", f"{desk.path}/plans/{tariff}/retire", f"{desk.path}/plans/{tariff}/delete",
        f"{desk.path}/runs", f"{desk.path}/lessons", f"{desk.path}/lessons/order", f"{desk.path}/lessons/{lesson}",
        f"{desk.path}/lessons/{lesson}/delete", f"{desk.path}/lessons/{lesson}/restore", f"{desk.path}/preview",
        f"{desk.path}/files", f"{desk.path}/schedule", f"{desk.path}/deliveries/{enrolment}/{lesson}",
        f"{desk.path}/schedule/changes/{lesson}",
    )  # fmt: skip
    for person in (student, keeper):
        for path in gets:
            assert (await person.get(path)).status_code == 403, path
        for path in posts:
            assert (await person.post(path)).status_code == 403, path
    for path in gets:
        assert (await desk.page.get(path)).status_code == 200, path
