"""Submitting: every version stays, files are encrypted, and a required assignment is what completes its lesson."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.assignments.errors import NoAssignment, NoFeedbackInPlan
from backend.assignments.types import LONGEST_TEXT, MOST_FILES, Upload, Verdict, WorkKind, WorkState
from backend.courses.errors import AssignmentMissing, LessonLocked
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.kernel.errors import Forbidden, Invalid, NotFound
from tests.backend.assignments.desk import FIRST, PLAIN, PNG, SECOND, Desk
from tests.factories.courses import add_teacher
from tests.factories.shop import buyers
from tests.fakes.clock import FakeClock


async def test_every_version_stays_with_its_files_which_are_encrypted(desk: Desk, clock: FakeClock) -> None:
    student = await desk.student()
    await desk.submit(student, "Round the lake.", Upload("../my way.png", PNG), Upload("notes.exe", b"plain words"))
    clock.move(hours=1)
    again = await desk.submit(student, "Once more.")
    assert (again.versions, again.state) == (2, WorkState.IN_REVIEW)
    (thread,) = (await desk.services.submitting.page(student, "calm", FIRST)).threads
    first, second = thread.versions
    assert (first.text, second.text, second.files) == ("Round the lake.", "Once more.", ())
    assert [(file.name, file.mime) for file in first.files] == [
        ("my way.png", "image/png"), ("notes.exe", "application/octet-stream"),
    ]  # fmt: skip
    assert second.submitted_at - first.submitted_at == timedelta(hours=1)
    content = await desk.services.submitting.file(student, first.files[0].id)
    assert (content.data, content.mime) == (PNG, "image/png")
    stored = desk.stored()
    assert len(stored) == 2 and not any(b"PNG" in data or b"plain words" in data for data in stored)
    (row,) = await desk.rows("SELECT count(*) FROM submission_versions WHERE ciphertext LIKE :part", part=b"%lake%")
    assert row.count == 0


async def test_the_same_tap_twice_is_one_version(desk: Desk) -> None:
    student = await desk.student()
    for _ in range(2):
        await desk.services.submitting.submit(student, "calm", FIRST, "Done.", (), intent="the-same-tap")
        await desk.services.submitting.ask(student, "calm", PLAIN, "Why?", (), intent="the-same-question")
    (row,) = await desk.rows("SELECT count(*) AS n, sum(versions) AS versions FROM submissions")
    assert (row.n, row.versions) == (2, 2)


async def test_a_required_assignment_completes_its_lesson_and_reading_does_not(desk: Desk) -> None:
    student = await desk.student("basic")
    learning = desk.school.learning
    with pytest.raises(AssignmentMissing):
        await learning.complete(student, desk.lessons[FIRST])
    assert await learning.complete(student, desk.lessons[SECOND])  # its assignment is optional
    assert await learning.complete(student, desk.lessons[PLAIN])
    assert (await desk.progress(student)).done == 2
    await desk.submit(student)
    after = await desk.progress(student)
    assert (after.done, after.percent, after.completed_at is not None) == (3, 100, True)
    assert not await learning.complete(student, desk.lessons[FIRST])


async def test_an_assignment_that_is_added_later_undoes_no_completion(desk: Desk) -> None:
    student, other = await desk.student(), await desk.student()
    learning, editing = desk.school.learning, desk.school.editing
    assert await learning.complete(student, desk.lessons[PLAIN])
    lesson = await editing.get(desk.teacher, desk.lessons[PLAIN])
    ((locale, words),) = lesson.fields.texts.items()
    changed = type(lesson.fields)(slug=PLAIN, texts={locale: type(words)(words.title, words.body, "Now write.")})
    await editing.change(desk.teacher, lesson.id, changed, version=lesson.version)
    assert (await desk.progress(student)).done == 1
    assert not await learning.complete(student, lesson.id)
    with pytest.raises(AssignmentMissing):
        await learning.complete(other, lesson.id)


async def test_a_plan_without_feedback_is_answered_automatically_and_one_with_it_by_a_teacher(desk: Desk) -> None:
    basic, premium = await desk.student("basic"), await desk.student("premium")
    received, reviewed = await desk.submit(basic), await desk.submit(premium)
    assert (received.state, received.reviewer_id, received.due_at) == (WorkState.RECEIVED, None, None)
    assert (reviewed.state, reviewed.due_at) == (WorkState.IN_REVIEW, reviewed.submitted_at + timedelta(hours=24))
    assert reviewed.reviewer_id is not None
    with pytest.raises(NoFeedbackInPlan):
        await desk.ask(basic)
    assert (await desk.ask(premium)).kind is WorkKind.QUESTION
    events = await desk.events("notifications.submission_received")
    assert [event["reviewed"] for event in events] == [False, True, True]


async def test_the_teacher_with_the_least_to_do_answers_and_nobody_their_own(desk: Desk) -> None:
    second = await add_teacher(desk.uow)
    chosen = [(await desk.submit(await desk.student())).reviewer_id for _ in range(4)]
    teachers = {desk.teacher.id, second.id}
    assert [set(chosen[:2]), set(chosen[2:])] == [teachers, teachers]
    student = await desk.student()
    first = await desk.submit(student)
    for _ in range(3):
        await desk.submit(await desk.student())
    assert (await desk.submit(student)).reviewer_id == first.reviewer_id  # who knows it goes on


@pytest.mark.parametrize(
    ("text", "files", "field", "code"),
    [
        ("", (), "text", "required"),
        (" \u202e ", (), "text", "required"),
        ("x" * (LONGEST_TEXT + 1), (), "text", "too_long"),
        ("x", (Upload("empty.pdf", b""),), "files", "empty_file"),
        ("x", (Upload("big.mp4", b"0" * (MAX_UPLOAD_BYTES + 1)),), "files", "too_large"),
        ("x", (Upload("a", b"0" * (MAX_UPLOAD_BYTES // 2 + 1)),) * 2, "files", "too_large"),
        ("x", (Upload("a", b"a"),) * (MOST_FILES + 1), "files", "too_many"),
    ],
)
async def test_what_cannot_be_submitted(
    desk: Desk, text: str, files: tuple[Upload, ...], field: str, code: str
) -> None:
    student = await desk.student()
    with pytest.raises(Invalid) as refused:
        await desk.submit(student, text, *files)
    assert refused.value.fields == {field: code}
    assert not await desk.rows("SELECT id FROM submissions")
    assert not desk.stored()


async def test_who_may_hand_in_and_read(desk: Desk, clock: FakeClock) -> None:
    student, other = await desk.student(), await desk.student()
    (stranger,) = await buyers(desk.uow, 1, 0)
    submission = await desk.submit(student, "Mine.", Upload("a.png", PNG))
    (thread,) = (await desk.services.submitting.page(student, "calm", FIRST)).threads
    file = thread.versions[0].files[0].id
    for person in (other, stranger):
        with pytest.raises(Forbidden):
            await desk.services.submitting.file(person, file)
        with pytest.raises(Forbidden):
            await desk.services.review.get(person, submission.id)
    assert (await desk.services.submitting.file(desk.teacher, file)).data == PNG
    assert not (await desk.services.submitting.page(other, "calm", FIRST)).threads
    with pytest.raises(Forbidden):
        await desk.submit(stranger)
    with pytest.raises(Forbidden):
        await desk.submit(desk.teacher)  # who only looks
    with pytest.raises(NoAssignment):
        await desk.submit(student, lesson=PLAIN)
    with pytest.raises(NotFound):
        await desk.ask(other, about=submission.id)
    await desk.add_lesson("later", "Not yet.")
    with pytest.raises(LessonLocked):
        await desk.submit(student, lesson="later")


async def test_a_question_goes_on_after_its_answer(desk: Desk) -> None:
    student = await desk.student()
    question = await desk.ask(student, "Is music allowed?")
    review = desk.services.review
    await review.send(desk.teacher, question.id, "Yes.", Verdict.AGAIN, version=1, seen=0)
    assert (await review.get(desk.teacher, question.id)).thread.submission.state is WorkState.ACCEPTED
    further = await desk.ask(student, "Loud?", about=question.id)
    assert (further.id, further.versions, further.state) == (question.id, 2, WorkState.IN_REVIEW)
    assert further.reviewer_id == desk.teacher.id
