"""Assignments in the chat: albums in any order, large and empty files, replies to the right version."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import text

from backend.assignments.types import (
    ChatFile,
    ChatMessage,
    CollectPart,
    Edited,
    SubmissionId,
    Thread,
    Verdict,
    WorkState,
)
from backend.courses.errors import AccessEnded
from backend.identity.types import Actor
from backend.infra.jobs import Job, RetryLater
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.kernel.errors import Forbidden
from backend.kernel.ids import JobId, new_id
from backend.support import domain as support
from backend.support.types import Subject, SubjectKind
from tests.backend.assignments.desk import FIRST, PLAIN, PNG, Desk
from tests.factories.courses import add_teacher
from tests.fakes.clock import FakeClock

_PROMPT = 900
"""The bot's message that asks for the assignment."""


def _job(desk: Desk) -> Job:
    return Job(id=JobId(new_id()), task="assignments.collect", attempt=1, last=False, created_at=desk.clock.now())


async def _expect(desk: Desk, student: Actor, lesson: str = FIRST) -> None:
    await desk.services.chat.expect(student, desk.lessons[lesson], _PROMPT)


async def _send(desk: Desk, who: Actor, message_id: int, said: str = "", **how: Any) -> Any:
    file = None
    if "data" in how:
        file_id, data = f"file-{message_id}", how.pop("data")
        desk.chat_files[file_id] = data
        size = how.pop("size", len(data))
        file = ChatFile(name=f"{message_id}.png", file_id=file_id, size=size)
    message = ChatMessage(
        message_id=message_id,
        reply_to=how.get("reply_to", _PROMPT),
        album=how.get("album"),
        text=said,
        file=how.get("file", file),
    )
    return await desk.services.chat.take(who, message)


async def _collect(desk: Desk, who: Actor, *messages: int) -> None:
    for message_id in messages:
        await desk.services.collecting.collect(CollectPart(who.telegram_id, message_id), _job(desk))


async def _thread(desk: Desk, student: Actor, lesson: str = FIRST) -> Thread:
    (thread,) = (await desk.services.submitting.page(student, "calm", lesson)).threads
    return thread


async def test_an_album_in_any_order_is_one_version_and_a_late_part_joins_it(desk: Desk, clock: FakeClock) -> None:
    student = await desk.student()
    await _expect(desk, student)
    order = list(range(1, 11))
    random.Random(7).shuffle(order)
    late, *early = order
    for message_id in early:
        # Only the first that comes replies: the others are known by their album.
        reply_to = _PROMPT if message_id == early[0] else None
        caption = "Round the lake." if message_id == early[3] else ""
        await _send(desk, student, message_id, caption, album="a", data=PNG, reply_to=reply_to)
    with pytest.raises(RetryLater):
        await _collect(desk, student, early[0])
    clock.move(seconds=3)
    await _collect(desk, student, *early)
    await _send(desk, student, late, album="a", data=PNG, reply_to=None)
    clock.move(seconds=5)
    await _collect(desk, student, late, *order)
    (version,) = (await _thread(desk, student)).versions
    assert version.text == "Round the lake." and len(version.files) == 10
    assert [file.name for file in version.files] == [f"{number}.png" for number in (*sorted(early), late)]
    assert len(await desk.events("notifications.submission_received")) == 1
    (added,) = await desk.events("notifications.submission_files_added")
    assert added["files"] == [str(version.files[-1].id)]
    assert await desk.rows("SELECT ciphertext FROM submission_parts WHERE ciphertext IS NOT NULL") == []
    (keys,) = await desk.rows("SELECT count(*) FROM data_keys WHERE purpose = 'submission_part'")
    assert keys.count == 0


async def test_files_that_are_large_empty_or_no_files(desk: Desk) -> None:
    student = await desk.student()
    await _expect(desk, student)
    for number, (data, size) in enumerate(
        [(b"x" * MAX_UPLOAD_BYTES, None), (b"", 20_100_000), (b"", 60_000_000), (b"x" * (MAX_UPLOAD_BYTES + 1), 0)], 1
    ):
        await _send(desk, student, number, data=data, **({} if size is None else {"size": size}))
        await _collect(desk, student, number)
    await _send(desk, student, 5, file=ChatFile(name="location"))
    await _collect(desk, student, 5)
    versions = (await _thread(desk, student)).versions
    assert [one.files[0].in_page for one in versions] == [True, False, False, False, False]
    assert [one.files[0].size for one in versions] == [MAX_UPLOAD_BYTES, 20_100_000, 60_000_000, 0, 0]
    await _send(desk, student, 6, data=b"", size=0)
    await _collect(desk, student, 6)
    (refused,) = await desk.events("notifications.submission_not_taken")
    assert refused["reason"] == "empty" and len((await _thread(desk, student)).versions) == 5


async def test_what_a_message_belongs_to(desk: Desk, clock: FakeClock) -> None:
    student, basic = await desk.student(), await desk.student("basic")
    assert await _send(desk, student, 1, "hello", reply_to=None) is None
    assert await _send(desk, student, 2, "hello", reply_to=12345) is None
    await _expect(desk, student)
    clock.move(minutes=31)
    assert await _send(desk, student, 3, "too late for the button", reply_to=None) is None
    await _expect(desk, student)
    assert await _send(desk, student, 4, "Round the lake.", reply_to=None) is not None
    assert await _send(desk, student, 5, "a second message", reply_to=None) is None
    assert not (await _send(desk, student, 4, "Round the lake.")).new  # the update came twice
    # A reply to the lesson's own message; and to one without an assignment, which is a question or support's.
    await desk.sent(student, FIRST, 50, earlier=[48, 49])
    assert await _send(desk, student, 6, "Again.", reply_to=48) is not None
    for person, taken in ((student, True), (basic, False)):
        await desk.sent(person, PLAIN, 60)
        assert (await _send(desk, person, 7, "Why?", reply_to=60) is not None) is taken
    await _collect(desk, student, 4, 6, 7)
    assert [one.text for one in (await _thread(desk, student)).versions] == ["Round the lake.", "Again."]
    assert [one.text for one in (await _thread(desk, student, PLAIN)).versions] == ["Why?"]


async def _subject(
    desk: Desk, who: Actor, message_id: int, submission_id: SubmissionId, student: Actor, version: int
) -> None:
    async with desk.uow() as tx:
        subject = Subject(SubjectKind.SUBMISSION, submission_id, student.id, version)
        await support.remember(tx, who.telegram_id, message_id, subject)


async def test_a_reply_is_feedback_to_the_version_it_replies_to_by_whichever_teacher(desk: Desk) -> None:
    student, colleague = await desk.student(), await add_teacher(desk.uow)
    first = await desk.submit(student, "First.")
    await desk.submit(student, "Second.")
    await _subject(desk, colleague, 71, first.id, student, 1)
    await _subject(desk, colleague, 72, first.id, student, 2)
    await desk.services.review.save_draft(colleague, first.id, "My draft", Verdict.ACCEPT)
    for message_id, reply_to, said in ((81, 71, "To the first."), (82, 72, "To the second."), (82, 72, "Once more")):
        await _send(desk, colleague, message_id, said, reply_to=reply_to)
    await _send(desk, colleague, 83, "", reply_to=72, data=PNG)
    thread = await _thread(desk, student)
    assert [(one.version, one.text, one.copied) for one in thread.feedback] == [
        (1, "To the first.", False), (2, "To the second.", False), (2, "", True),
    ]  # fmt: skip
    assert thread.submission.state is WorkState.ACCEPTED and thread.submission.reviewer_id == colleague.id
    draft = (await desk.services.review.get(colleague, first.id)).draft
    assert draft is not None and draft.text == "My draft"
    await desk.services.review.ask_again(colleague, thread.feedback[2].id)
    assert (await _thread(desk, student)).submission.state is WorkState.RETURNED
    # The student's reply to the feedback is another version; somebody who may not teach cannot answer.
    await _subject(desk, student, 90, first.id, student, 2)
    await _send(desk, student, 91, "Third.", reply_to=90)
    await _collect(desk, student, 91)
    assert len((await _thread(desk, student)).versions) == 3
    other = await desk.student()
    await _subject(desk, other, 95, first.id, student, 1)
    with pytest.raises(Forbidden):
        await _send(desk, other, 96, "Mine!", reply_to=95)


async def _edit(desk: Desk, who: Actor, message_id: int, said: str) -> Edited | None:
    message = ChatMessage(message_id=message_id, reply_to=None, album=None, text=said, file=None)
    return await desk.services.chat.edit(who, message)


async def test_an_edited_text_is_another_version_until_it_is_answered_and_then_a_teachers_correction(
    desk: Desk,
) -> None:
    student = await desk.student()
    await _expect(desk, student)
    await _send(desk, student, 1, "Round the laek.")
    assert await _edit(desk, student, 1, "Round the lake.") is Edited.NOT_FOLLOWED  # it is on its way
    await _collect(desk, student, 1)
    for _ in range(2):  # the update came twice
        assert await _edit(desk, student, 1, "Round the lake.") is Edited.SUBMITTED
    thread = await _thread(desk, student)
    assert [one.text for one in thread.versions] == ["Round the laek.", "Round the lake."]
    await _subject(desk, desk.teacher, 70, thread.submission.id, student, 2)
    await _send(desk, desk.teacher, 80, "Lvely.", reply_to=70)
    await _send(desk, desk.teacher, 81, "", reply_to=70, data=PNG)
    assert await _edit(desk, desk.teacher, 80, "Lovely.") is Edited.CORRECTED
    assert await _edit(desk, desk.teacher, 81, "A caption") is Edited.NOT_FOLLOWED
    assert await _edit(desk, student, 1, "Twice round the lake.") is Edited.NOT_FOLLOWED
    assert await _edit(desk, student, 2, "something else") is None
    after = await _thread(desk, student)
    assert [(one.text, one.revision) for one in after.feedback] == [("Lovely.", 2), ("", 1)]
    assert len(after.versions) == 2


async def test_access_that_ends_before_the_version_is_made_is_said(desk: Desk) -> None:
    student = await desk.student()
    await _expect(desk, student)
    await _send(desk, student, 1, "Round the lake.")
    async with desk.uow() as tx:
        await tx.execute(text("UPDATE course_grants SET ended_at = granted_at, end_reason = 'revoked'"))
    await _collect(desk, student, 1)
    (refused,) = await desk.events("notifications.submission_not_taken")
    assert refused["reason"] == "access_ended"
    await _expect(desk, student)
    with pytest.raises(AccessEnded):
        await _send(desk, student, 2, "Again.")


async def test_two_workers_make_one_version_of_an_album(committed_desk: Desk, clock: FakeClock) -> None:
    desk = committed_desk
    student = await desk.student()
    await _expect(desk, student)
    for message_id in range(1, 11):
        await _send(desk, student, message_id, album="a", data=PNG, reply_to=_PROMPT)
    clock.move(seconds=3)
    jobs = [
        services.collecting.collect(CollectPart(student.telegram_id, message_id), _job(desk))
        for message_id in range(1, 11)
        for services in (desk.services, desk.build())
    ]
    await asyncio.gather(*jobs)
    (version,) = (await _thread(desk, student)).versions
    assert len(version.files) == 10
    assert len(await desk.events("notifications.submission_received")) == 1
