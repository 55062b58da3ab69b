"""An assignment on its pages: submitted by the student, answered in the back office, corrected."""

from __future__ import annotations

import re
from html import unescape

from backend.identity.types import Permission
from backend.infra.storage import MAX_UPLOAD_BYTES
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.courses.school import Classroom

_LESSON = "/learn/calm/lesson-1"
_WORK = f"{_LESSON}/assignment"
_QUESTIONS = f"{_LESSON}/questions"
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def _field(html: str, name: str) -> str:
    match = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert match is not None, name
    return match[1]


async def _student(room: Classroom, plan: str = "feedback") -> Visitor:
    visitor, actor = await room.arrive()
    await room.open(await room.gift(actor, plan), 2)
    return visitor


async def _submit(student: Visitor, text: str, path: str = _WORK, **more: object) -> str:
    page = (await student.get(path)).text
    data = {"intent": _field(page, "intent"), "text": text}
    if 'name="about"' in page:
        data["about"] = _field(page, "about")
    answer = await student.post(path, data=data, **more)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_student_submits_and_sees_every_version(room: Classroom) -> None:
    student = await _student(room)
    lesson = (await student.get(_LESSON)).text
    assert "Go to the assignment" in lesson and "/done" not in lesson
    done = await student.post("/courses/calm/lessons/lesson-1/done")
    assert (done.status_code, done.headers["x-error-code"]) == (409, "assignment_missing")
    page = await student.get(_WORK)
    assert "Walk &lt;far&gt;." in page.text and "A teacher answers within 48 hours" in page.text
    sent = await _submit(student, "Round <the> lake.", files=[("files", ("way.png", _PNG)), ("files", ("a.txt", b"x"))])
    assert "Round &lt;the&gt; lake." in sent and "In review" in sent and "Answer promised by" in sent
    again = await _submit(student, "Once more.")
    assert "Round &lt;the&gt; lake." in again and "Once more." in again and "Version 2" in again
    assert "In review" in (lesson := (await student.get(_LESSON)).text) and "Go to the assignment" not in lesson
    (picture,) = re.findall(r'<img class="msg__pic" src="([^"]*)"', again)
    file = await student.client.get(unescape(picture))
    assert (file.content, file.headers["content-type"]) == (_PNG, "image/png")
    assert "sandbox" in file.headers["content-security-policy"]
    assert (await student.client.get(picture.partition("?")[0])).status_code == 403
    (other,) = re.findall(r'class="msg__file" href="([^"]*)"', again)
    download = await student.client.get(unescape(other))
    assert download.headers["content-disposition"].startswith("attachment")


async def test_what_cannot_be_submitted_is_said_beside_the_field_and_keeps_the_words(room: Classroom) -> None:
    student = await _student(room, "basic")
    intent = _field((await student.get(_WORK)).text, "intent")
    for data, files, words in (
        ({"text": " "}, [], "Write something, or choose a file."),
        ({"text": "My words"}, [("files", ("a.png", b""))], "A file is empty. Choose it again."),
        ({"text": "My words"}, [("files", ("a.mp4", bytes(MAX_UPLOAD_BYTES + 1)))], "MB together."),
        ({"text": "My words"}, [("files", (f"{n}.txt", b"x")) for n in range(11)], "Choose 10 files at most."),
    ):
        refused = await student.post(_WORK, data={"intent": intent, **data}, files=files or None)
        assert refused.status_code == 422 and words in refused.text
        assert data["text"].strip() in refused.text and _field(refused.text, "intent") == intent
    large = await student.post(_WORK, data={"intent": intent}, files=[("files", ("a.mp4", bytes(60_000_000)))])
    assert large.status_code == 413
    assert "Received" in await _submit(student, "My words")


async def test_questions_need_a_plan_with_feedback_and_go_on_after_the_answer(
    room: Classroom, make_admin: MakeAdmin
) -> None:
    basic, student = await _student(room, "basic"), await _student(room)
    refused = await basic.get(_QUESTIONS)
    assert "See plans" in refused.text and "<textarea" not in refused.text
    assert "Is music allowed?" in await _submit(student, "Is music allowed?", _QUESTIONS)
    teacher = await make_admin(81, Permission.TEACHING)
    (path,) = re.findall(r'href="(/admin/assignments/[0-9a-f-]{36})"', (await teacher.get("/admin/assignments")).text)
    page = (await teacher.get(path)).text
    assert "Ask for another version" not in page
    data = {"text": "Yes, softly.", "version": _field(page, "version"), "seen": _field(page, "seen")}
    await teacher.post(f"{path}/send", data=data)
    assert "Yes, softly." in (await student.get(_QUESTIONS)).text
    assert "How loud?" in await _submit(student, "How loud?", _QUESTIONS)
    assert "How loud?" in (await teacher.get(path)).text


async def test_a_teacher_answers_and_corrects(room: Classroom, make_admin: MakeAdmin) -> None:
    student = await _student(room)
    await _submit(student, "Round the lake.")
    teacher, money = await make_admin(81, Permission.TEACHING), await make_admin(82, Permission.MONEY)
    assert (await money.get("/admin/assignments")).status_code == 403
    assert "/admin/assignments" in (await teacher.get("/admin")).text
    inbox = (await teacher.get("/admin/assignments")).text
    (path,) = re.findall(r'href="(/admin/assignments/[0-9a-f-]{36})"', inbox)
    assert "Lesson 1" in inbox and "Due by" in inbox
    page = (await teacher.get(path)).text
    form = {"version": _field(page, "version"), "seen": _field(page, "seen"), "verdict": "again"}
    empty = await teacher.post(f"{path}/send", data={**form, "text": ""})
    assert empty.status_code == 422 and "Write your feedback." in empty.text
    draft = await teacher.post(f"{path}/draft", data={**form, "text": "Lovely, b"})
    assert "Lovely, b</textarea>" in draft.text
    assert "Lovely" not in (await student.get(_WORK)).text
    sent = await teacher.post(f"{path}/send", data={**form, "text": "Lovely, but longer."})
    assert sent.status_code == 200 and "Send again" in sent.text
    shown = (await student.get(_WORK)).text
    assert "Lovely, but longer." in shown and "Asks for another version" in shown and "Submit again" in shown
    stale = await teacher.post(f"{path}/send", data={**form, "text": "A second thought"})
    assert (stale.status_code, stale.headers["x-error-code"]) == (409, "already_answered")
    assert "A second thought</textarea>" in stale.text
    (correct,) = re.findall(rf'href="({re.escape(path)}\?correct=[0-9a-f-]*)"', stale.text)
    editing = (await teacher.get(correct)).text
    assert "Lovely, but longer.</textarea>" in editing
    data = {**form, "text": "Lovely.", "verdict": "accept", "feedback": correct.partition("=")[2]}
    await teacher.post(f"{path}/send", data=data)
    shown = (await student.get(_WORK)).text
    assert "Lovely." in shown and "but longer" not in shown and "Corrected" in shown and "Accepted" in shown
    assert path in (await teacher.get("/admin/assignments?state=answered&mine=1")).text
    assert path not in (await teacher.get("/admin/assignments")).text
    assert "Nothing here" in (await teacher.get("/admin/assignments?state=overdue")).text
