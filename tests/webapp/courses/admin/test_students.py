"""Students in the back office: who they are, access given and taken, schedules moved and moved back, deliveries."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import text

from backend.bootstrap import Services
from backend.courses.types import EnrolmentId
from tests.factories.courses import enrolments_of
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.admin.conftest import Desk
from tests.webapp.courses.admin.test_courses import form
from tests.webapp.sale import arrive, plain

REASON = {"reason": "A kind word"}


async def test_a_student_is_found_by_name_state_and_plan(desk: Desk, visitor: MakeVisitor) -> None:
    omar, lina = visitor(42, first_name="Omar"), visitor(43, first_name="Lina")
    await desk.enrol(omar)
    enrolment = await desk.enrol(lina, "premium")
    path = f"{desk.path}/students"
    await desk.page.post(f"{desk.path}/schedule", data={"student": str(enrolment), "verb": "pause", "sure": "on"})

    async def names(**query: str) -> set[str]:
        rows = plain((await desk.page.get(path, params=query, headers={"hx-target": "results"})).text)
        return {name for name in ("Omar", "Lina") if name in rows}

    assert await names() == {"Omar", "Lina"}
    assert await names(q="oma") == await names(q="42") == await names(state="active") == {"Omar"}
    assert await names(state="paused") == await names(plan=str(desk.tariffs["premium"].id)) == {"Lina"}
    assert await names(state="paused", q="oma") == await names(state="completed") == set()
    assert "No students found" in plain((await desk.page.get(path, params={"state": "ended"})).text)
    for nonsense in ({"state": "asleep"}, {"plan": "x"}, {"cursor": "x"}, {"q": "x" * 65}):
        assert (await desk.page.get(path, params=nonsense)).status_code == 400


async def test_access_is_given_and_revoked_with_a_reason(services: Services, desk: Desk, visitor: MakeVisitor) -> None:
    person = await arrive(services, visitor(44, first_name="Sara"))
    results = await desk.page.get(f"{desk.path}/gift", params={"q": "sar"}, headers={"hx-target": "results"})
    sheet_path = f"{desk.path}/gift/{person.id}"
    assert f'hx-get="{sheet_path}"' in results.text
    basic = str(desk.tariffs["basic"].id)
    for values, said in (
        ({}, "Choose a plan."),
        ({"plan": basic}, "Enter a reason."),
        ({"plan": "x"}, "Choose a plan."),
    ):
        refused = await desk.page.post(sheet_path, data=values)
        assert (refused.status_code, said in plain(refused.text)) == (422, True), values
    given = await desk.page.post(sheet_path, data={"plan": basic, **REASON})
    assert "Access given" in given.headers["hx-trigger"] and "Sara" in plain(given.text)
    twice = await desk.page.post(sheet_path, data={"plan": basic, **REASON})
    assert (twice.status_code, "They have this plan" in plain(twice.text)) == (422, True)
    (enrolment,) = await enrolments_of(services.uow, person)
    (grant,) = (await services.courses.students.get(desk.teacher, enrolment)).grants
    path = f"{desk.path}/students/{enrolment}"
    revoke = f"{path}/grants/{grant.id}/revoke"
    assert "Basic" in plain((await desk.page.get(revoke)).text)
    assert (await desk.page.post(revoke, data={"reason": " "})).status_code == 422
    revoked = await desk.page.post(revoke, data=REASON)
    assert "Access ended" in plain(revoked.text) and "Revoked" in plain(revoked.text)
    other = await desk.enrol(visitor(45))
    assert (await desk.page.post(revoke.replace(str(enrolment), str(other)), data=REASON)).status_code == 404


async def test_nobody_unknown_and_no_other_courses_plan_is_given(services: Services, desk: Desk) -> None:
    nobody = f"{desk.path}/gift/0199c0de-0000-7000-8000-000000000000"
    assert (await desk.page.get(nobody)).status_code == 404
    stranger = {"plan": "0199c0de-0000-7000-8000-000000000000", **REASON}
    assert (await desk.page.post(nobody, data=stranger)).status_code == 404


async def test_a_filters_schedules_move_after_a_dry_run_and_back_exactly(desk: Desk, visitor: MakeVisitor) -> None:
    students = [await desk.enrol(visitor(50 + number)) for number in range(3)]
    premium = await desk.enrol(visitor(60), "premium")
    before = {one: await desk.next_due(one) for one in (*students, premium)}
    plan = str(desk.tariffs["basic"].id)
    sheet = await desk.page.get(f"{desk.path}/schedule", params={"plan": plan})
    fields = {**form(sheet.text), "verb": "shift", "days": "1"}
    assert fields["plan"] == plan
    asked = await desk.page.post(f"{desk.path}/schedule", data=fields)
    assert "3 students move by \u2066+1\u2069 day." in plain(asked.text)
    assert {one: await desk.next_due(one) for one in before} == before, "it was a dry run"
    done = await desk.page.post(f"{desk.path}/schedule", data=form(asked.text))
    assert "3 students move by" in plain(done.text) and f"plan={plan}" in done.headers["hx-replace-url"]
    for one in students:
        assert await desk.next_due(one) == (before[one] or desk.now) + timedelta(days=1)
    assert await desk.next_due(premium) == before[premium]
    undo = done.text.split(f'hx-post="{desk.path}/schedule/')[1].split('"')[0]
    undone = await desk.page.post(f"{desk.path}/schedule/{undo}", data={"plan": plan})
    assert "Undone for 3 students" in undone.headers["hx-trigger"]
    assert {one: await desk.next_due(one) for one in before} == before
    assert (await desk.page.post(f"{desk.path}/schedule/{undo}", data={"plan": plan})).status_code == 400


async def test_a_change_is_undone_from_the_history_while_it_can_be(desk: Desk, visitor: MakeVisitor) -> None:
    path = f"{desk.path}/schedule/changes"
    assert "No changes yet" in plain((await desk.page.get(path)).text)
    students = [await desk.enrol(visitor(50 + number)) for number in range(2)]
    before = [await desk.next_due(one) for one in students]
    await desk.page.post(f"{desk.path}/schedule", data={"verb": "shift", "days": "1", "sure": "on"})
    page = await desk.page.get(path)
    assert "2 students move by" in plain(page.text)
    undo = page.text.split(f'hx-post="{path}/')[1].split('"')[0]
    later = {"student": str(students[0]), "verb": "pause", "sure": "on"}
    await desk.page.post(f"{desk.path}/schedule", data=later)
    asked = await desk.page.post(f"{path}/{undo}")
    assert "The schedule of 1 student becomes what it was. 1 changed since and stays." in plain(asked.text)
    undone = await desk.page.post(f"{path}/{undo}", data=form(asked.text))
    assert "Undone for 1 student. 1 changed since" in undone.headers["hx-trigger"] and "Undone" in plain(undone.text)
    assert [await desk.next_due(one) for one in students] == [None, before[1]]
    assert (await desk.page.post(f"{path}/{undo}", data={"sure": "on"})).status_code == 400
    pause = undone.text.split(f'hx-post="{path}/')[1].split('"')[0]
    await desk.page.post(f"{desk.path}/schedule", data=later | {"verb": "resume"})
    gone = await desk.page.post(f"{path}/{pause}")
    assert "have all changed since" in gone.headers["hx-trigger"]


async def test_one_student_is_paused_resumed_and_gets_lessons_early(desk: Desk, student: Visitor) -> None:
    enrolment = await desk.enrol(student)
    path, one = f"{desk.path}/students/{enrolment}", {"student": str(enrolment), "sure": "on"}
    assert "Omar" in plain((await desk.page.get(f"{desk.path}/schedule", params=one)).text)
    paused = await desk.page.post(f"{desk.path}/schedule", data={**one, "verb": "pause"})
    assert "1 student is paused." in plain(paused.text) and paused.headers["hx-replace-url"] == path
    assert await desk.next_due(enrolment) is None
    assert "1 student goes on." in plain(
        (await desk.page.post(f"{desk.path}/schedule", data={**one, "verb": "resume"})).text
    )
    second = {**one, "verb": "open", "until": str(desk.lessons[1])}
    opened = await desk.page.post(f"{desk.path}/schedule", data=second)
    assert "Lessons open for 1 student. 1 lesson opens in all." in plain(opened.text)
    again = await desk.page.post(f"{desk.path}/schedule", data=second)
    assert "It changes nobody" in again.headers["hx-trigger"]
    page = plain((await desk.page.get(path)).text)
    assert page.count(" Open ") >= 2 and "3. Sleep" in page
    for nonsense in (
        {"verb": "replan"},
        {"verb": "vanish"},
        {"verb": "shift", "days": "400"},
        {"verb": "open", "until": "x"},
    ):
        assert (await desk.page.post(f"{desk.path}/schedule", data={**one, **nonsense})).status_code in {400, 404}


async def test_deliveries_are_filtered_and_sent_again(services: Services, desk: Desk, student: Visitor) -> None:
    enrolment = await desk.enrol(student)
    path = f"{desk.path}/deliveries"
    assert "Planned" in plain((await desk.page.get(path)).text)
    await _fail(services, enrolment)
    failed = await desk.page.get(path, params={"state": "failed"})
    assert "Telegram refuses the message" in plain(failed.text) and "Omar" in plain(failed.text)
    assert "1" in plain((await desk.page.get(desk.path)).text.split("/deliveries?state=failed")[1][:400])
    again = await desk.page.post(f"{path}/{enrolment}/{desk.lessons[0]}")
    assert "It will be sent again" in again.headers["hx-trigger"] and "Planned" in plain(again.text)
    assert again.text.lstrip().startswith("<div") and again.text.count("<tr") == 0
    line = re.search(r'<tr id="(t-[^"]+)"', failed.text)
    assert line is not None
    row = await desk.page.post(f"{path}/{enrolment}/{desk.lessons[0]}", headers={"HX-Target": line[1]})
    assert row.text.lstrip().startswith(f'<tr id="{line[1]}"') and "<div" not in row.text
    assert "No deliveries here" in plain((await desk.page.get(path, params={"state": "failed"})).text)
    assert "Omar" in plain((await desk.page.get(path, params={"student": str(enrolment)})).text)
    assert (await desk.page.post(f"{path}/{enrolment}/{desk.lessons[2]}")).status_code == 404, "it is not open"
    assert (await desk.page.get(path, params={"state": "lost"})).status_code == 400


async def _fail(services: Services, enrolment: EnrolmentId) -> None:
    async with services.uow() as tx:
        failed = "UPDATE lesson_deliveries SET state = 'failed', reason = 'refused', retry_at = NULL"
        await tx.execute(text(f"{failed} WHERE enrolment_id = :id"), {"id": enrolment})


async def test_a_student_of_another_course_is_not_here(services: Services, desk: Desk, student: Visitor) -> None:
    from tests.factories.courses import add_course

    enrolment = await desk.enrol(student)
    other = f"/admin/courses/{await add_course(services.uow, desk.teacher, 'other')}"
    assert (await desk.page.get(f"{other}/students/{enrolment}")).status_code == 404
    assert (await desk.page.post(f"{other}/deliveries/{enrolment}/{desk.lessons[0]}")).status_code == 404
    moved = {"student": str(enrolment), "verb": "shift", "days": "1", "sure": "on"}
    assert (await desk.page.post(f"{other}/schedule", data=moved)).status_code == 404
