"""Reviewing: drafts, feedback to a version, corrections; two who answer at once; what nobody answers."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.assignments.errors import AlreadyAnswered
from backend.assignments.types import LONGEST_FEEDBACK, InboxState, Verdict, WorkState
from backend.kernel.errors import Invalid
from tests.backend.assignments.desk import FIRST, Desk
from tests.factories.courses import add_teacher
from tests.fakes.clock import FakeClock


async def test_a_draft_is_its_authors_until_it_is_sent(desk: Desk) -> None:
    student, colleague = await desk.student(), await add_teacher(desk.uow)
    submission = await desk.submit(student)
    review = desk.services.review
    await review.save_draft(desk.teacher, submission.id, "Nice, b", Verdict.AGAIN)
    mine, theirs = await review.get(desk.teacher, submission.id), await review.get(colleague, submission.id)
    assert mine.draft is not None and (mine.draft.text, mine.draft.verdict) == ("Nice, b", Verdict.AGAIN)
    assert theirs.draft is None and not theirs.thread.feedback
    (shown,) = (await desk.services.submitting.page(student, "calm", FIRST)).threads
    assert not shown.feedback
    await review.send(desk.teacher, submission.id, "Nice, but again.", Verdict.AGAIN, version=1, seen=0)
    after = await review.get(desk.teacher, submission.id)
    assert after.draft is None
    assert [(one.text, one.version) for one in after.thread.feedback] == [("Nice, but again.", 1)]
    assert after.thread.submission.state is WorkState.RETURNED
    await review.save_draft(desk.teacher, submission.id, "One more thing", Verdict.ACCEPT)
    await review.save_draft(desk.teacher, submission.id, " ", Verdict.ACCEPT)
    assert (await review.get(desk.teacher, submission.id)).draft is None


async def test_feedback_belongs_to_its_version_and_both_stay_after_another(desk: Desk, clock: FakeClock) -> None:
    student = await desk.student()
    submission = await desk.submit(student, "First.")
    review = desk.services.review
    await review.send(desk.teacher, submission.id, "Again, please.", Verdict.AGAIN, version=1, seen=0)
    clock.move(hours=3)
    second = await desk.submit(student, "Second.")
    assert (second.state, second.answered_at) == (WorkState.IN_REVIEW, None)
    assert second.due_at is not None and second.due_at > (submission.due_at or second.due_at)
    await review.send(desk.teacher, submission.id, "Good.", Verdict.ACCEPT, version=2, seen=1)
    (thread,) = (await desk.services.submitting.page(student, "calm", FIRST)).threads
    assert [(one.version, one.text) for one in thread.feedback] == [(1, "Again, please."), (2, "Good.")]
    assert thread.submission.state is WorkState.ACCEPTED


async def test_a_page_that_is_out_of_date_sends_nothing(desk: Desk) -> None:
    student, colleague = await desk.student(), await add_teacher(desk.uow)
    submission = await desk.submit(student)
    review = desk.services.review
    await review.send(desk.teacher, submission.id, "Good.", Verdict.ACCEPT, version=1, seen=0)
    with pytest.raises(AlreadyAnswered):
        await review.send(colleague, submission.id, "Bad.", Verdict.AGAIN, version=1, seen=0)
    await desk.submit(student, "Second.")
    with pytest.raises(AlreadyAnswered):
        await review.send(colleague, submission.id, "Fine.", Verdict.ACCEPT, version=1, seen=1)
    assert len((await review.get(colleague, submission.id)).thread.feedback) == 1


async def test_a_correction_keeps_what_was_said_before(desk: Desk) -> None:
    student = await desk.student()
    submission = await desk.submit(student)
    review = desk.services.review
    sent = await review.send(desk.teacher, submission.id, "Godo.", Verdict.ACCEPT, version=1, seen=0)
    for _ in range(2):  # the same once more changes nothing
        assert await review.correct(desk.teacher, sent, "Good.", Verdict.AGAIN) == submission.id
    page = await review.get(desk.teacher, submission.id)
    (feedback,) = page.thread.feedback
    assert (feedback.text, feedback.revision, feedback.corrected_at is not None) == ("Good.", 2, True)
    assert page.thread.submission.state is WorkState.RETURNED
    (revision,) = await desk.rows("SELECT revision, verdict FROM feedback_revisions")
    assert (revision.revision, revision.verdict) == (1, "accept")
    assert [event["revision"] for event in await desk.events("notifications.feedback_corrected")] == [2]


@pytest.mark.parametrize(("said", "code"), [("  ", "required"), ("x" * (LONGEST_FEEDBACK + 1), "too_long")])
async def test_feedback_that_cannot_be_sent(desk: Desk, said: str, code: str) -> None:
    submission = await desk.submit(await desk.student())
    with pytest.raises(Invalid) as refused:
        await desk.services.review.send(desk.teacher, submission.id, said, Verdict.ACCEPT, version=1, seen=0)
    assert refused.value.fields == {"text": code}


async def test_the_inbox_has_what_waits_first_by_its_promise(desk: Desk, clock: FakeClock) -> None:
    review = desk.services.review
    slow = await desk.submit(await desk.student("feedback"))
    fast = await desk.submit(await desk.student("premium"))
    await desk.submit(await desk.student("basic"))
    assert [row.submission.id for row in await review.inbox(desk.teacher, InboxState.OPEN, mine=False)] == [
        fast.id, slow.id,
    ]  # fmt: skip
    clock.move(hours=25)
    (overdue,) = await review.inbox(desk.teacher, InboxState.OVERDUE, mine=False)
    assert overdue.submission.id == fast.id and overdue.about.name == {"en": "Walk"}
    count = await review.count(desk.teacher)
    assert (count.open, count.overdue) == (2, 1)
    await review.send(desk.teacher, fast.id, "Good.", Verdict.ACCEPT, version=1, seen=0)
    (answered,) = await review.inbox(desk.teacher, InboxState.ANSWERED, mine=True)
    assert answered.submission.id == fast.id
    colleague = await add_teacher(desk.uow)
    assert not await review.inbox(colleague, InboxState.OPEN, mine=True)
    await review.take(colleague, slow.id)
    assert len(await review.inbox(colleague, InboxState.OPEN, mine=True)) == 1


async def test_what_is_overdue_is_told_once_a_version(desk: Desk, clock: FakeClock) -> None:
    student = await desk.student("premium")
    await desk.submit(student)
    review = desk.services.review
    assert await review.escalate() == 0
    clock.move(hours=25)
    assert [await review.escalate(), await review.escalate()] == [1, 0]
    await desk.submit(student, "Second.")
    clock.move(hours=25)
    assert await review.escalate() == 1
    assert [event["version"] for event in await desk.events("notifications.submission_overdue")] == [1, 2]


async def test_the_work_of_a_teacher_who_is_none_any_more_goes_to_another(desk: Desk) -> None:
    submission = await desk.submit(await desk.student())
    assert submission.reviewer_id == desk.teacher.id
    review = desk.services.review
    assert await review.reassign() == 0
    async with desk.uow() as tx:
        await tx.execute(text("UPDATE users SET permissions = '{}' WHERE id = :id"), {"id": desk.teacher.id})
    assert await review.reassign() == 0  # nobody is left: it waits
    colleague = await add_teacher(desk.uow)
    assert [await review.reassign(), await review.reassign()] == [1, 0]
    assert (await review.get(colleague, submission.id)).thread.submission.reviewer_id == colleague.id
    (event,) = await desk.events("notifications.submission_reassigned")
    assert event["reviewer_id"] == str(colleague.id)
