"""Old submissions move to compressed, encrypted files and come back whole, no matter who opens them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from backend.assignments import domain
from backend.assignments.repository import Archived
from backend.assignments.service.archive import DELETE
from backend.assignments.types import DeleteFiles, InboxState, ReviewPage, Submission, Upload, Verdict, WorkState
from backend.identity.types import Actor
from backend.infra.storage import PrivateFiles
from tests.backend.assignments.desk import FIRST, PNG, Desk
from tests.fakes.clock import FakeClock

_TABLES = {
    "submission_versions": "submission_id, number",
    "submission_files": "id",
    "feedback": "id",
    "feedback_revisions": "feedback_id, revision",
}
_LONG = "She walks in beauty, like the night. " * 105


async def _answered(desk: Desk, student: Actor, *files: Upload) -> Submission:
    """A submission of two versions, with a correction and a draft."""
    review = desk.services.review
    one = await desk.submit(student, _LONG, *files)
    sent = await review.send(desk.teacher, one.id, "Again, please.", Verdict.AGAIN, version=1, seen=0)
    await review.correct(desk.teacher, sent, "Once more, please.", Verdict.AGAIN)
    await desk.submit(student, "Shorter.")
    await review.send(desk.teacher, one.id, "Good.", Verdict.ACCEPT, version=2, seen=1)
    await review.save_draft(desk.teacher, one.id, "One more thing", Verdict.ACCEPT)
    return one


async def _rows(desk: Desk) -> dict[str, list[Any]]:
    """All rows that a submission consists of, but for names of stored files and texts, which are encrypted again."""
    rows = {name: await desk.rows(f"SELECT * FROM {name} t ORDER BY {order}") for name, order in _TABLES.items()}
    return {
        name: [
            {key: value for key, value in row._mapping.items() if key not in {"stored", "ciphertext"}}
            for row in selected
        ]
        for name, selected in rows.items()
    }


async def _delete(desk: Desk) -> None:
    """Run the jobs that delete what was moved, twice each."""
    for payload in await desk.events(DELETE) * 2:
        await desk.services.archive.delete(msgspec.convert(payload, DeleteFiles))


def _said(page: ReviewPage) -> Any:
    return page.thread.versions, page.thread.feedback, page.draft


async def test_it_comes_back_as_it_was_when_it_is_opened(desk: Desk, clock: FakeClock) -> None:
    student = await desk.student()
    one = await _answered(desk, student, Upload("way.png", PNG), Upload("notes.txt", _LONG.encode()))
    before, rows, size = await desk.services.review.get(desk.teacher, one.id), await _rows(desk), len(_LONG)
    assert await desk.services.archive.archive_old() == 0
    clock.move(days=366)
    assert await desk.services.archive.archive_old() == 1
    assert await desk.services.archive.archive_old() == 0
    await _delete(desk)
    assert not any((await _rows(desk)).values()) and not desk.stored("private")
    archived = desk.stored("archive")
    assert len(archived) == 3 and sum(map(len, archived)) < size / 4
    assert not any(b"beauty" in data for data in archived)

    # What only shows that it is there leaves it where it is.
    submission = await desk.services.submitting.find(student, one.lesson_id)
    (listed,) = await desk.services.review.inbox(desk.teacher, InboxState.ANSWERED, mine=False)
    assert submission == listed.submission and submission is not None and submission.state is WorkState.ACCEPTED
    assert desk.stored("archive") == archived

    assert _said(await desk.services.review.get(desk.teacher, one.id)) == _said(before)
    assert await _rows(desk) == rows
    await _delete(desk)
    assert not desk.stored("archive") and len(desk.stored("private")) == 2
    files = before.thread.versions[0].files
    contents = [(await desk.services.submitting.file(student, file.id)).data for file in files]
    assert contents == [PNG, _LONG.encode()]
    # It was touched: the archive takes it again after another year only.
    assert await desk.services.archive.archive_old() == 0
    clock.move(days=366)
    assert await desk.services.archive.archive_old() == 1
    (thread,) = (await desk.services.submitting.page(student, "calm", FIRST)).threads
    assert thread.feedback == before.thread.feedback


async def test_another_version_of_an_archived_one_follows_after_the_old_ones(desk: Desk, clock: FakeClock) -> None:
    student = await desk.student()
    one = await _answered(desk, student)
    clock.move(days=366)
    assert await desk.services.archive.archive_old() == 1
    again = await desk.submit(student, "A year later.")
    assert (again.id, again.versions, again.state) == (one.id, 3, WorkState.IN_REVIEW)
    page = await desk.services.review.get(desk.teacher, one.id)
    assert [version.text for version in page.thread.versions] == [_LONG.strip(), "Shorter.", "A year later."]
    await desk.services.review.send(desk.teacher, one.id, "Still good.", Verdict.ACCEPT, version=3, seen=2)


async def test_what_waits_for_a_teacher_is_never_archived(desk: Desk, clock: FakeClock) -> None:
    await desk.submit(await desk.student())
    clock.move(days=4000)
    assert await desk.services.archive.archive_old() == 0


async def test_all_who_open_it_at_once_while_it_is_archived_see_it_whole(
    committed_desk: Desk, clock: FakeClock
) -> None:
    desk = committed_desk
    student = await desk.student()
    one = await _answered(desk, student, Upload("way.png", PNG))
    before = _said(await desk.services.review.get(desk.teacher, one.id))
    for _ in range(3):
        clock.move(days=366)
        processes = [desk.build() for _ in range(6)]
        archiving = [process.archive.archive_old() for process in processes[:2]]
        opening = [process.review.get(desk.teacher, one.id) for process in processes[2:]]
        counts, pages = await asyncio.gather(asyncio.gather(*archiving), asyncio.gather(*opening))
        assert sum(counts) <= 1
        assert all(_said(page) == before for page in pages)
        await _delete(desk)
    assert _said(await desk.services.review.get(desk.teacher, one.id)) == before


@pytest.mark.parametrize("fails_at", [1, 2, 3])
async def test_a_disk_that_fails_leaves_it_where_it_was(
    desk: Desk, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    student = await desk.student()
    one = await _answered(desk, student, Upload("way.png", PNG), Upload("notes.txt", b"plain"))
    rows, stored, put, calls = await _rows(desk), desk.stored(), PrivateFiles.put, 0

    async def failing(files: PrivateFiles, sealed: bytes) -> str:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise OSError("no space left on device")
        return await put(files, sealed)

    clock.move(days=366)
    monkeypatch.setattr(PrivateFiles, "put", failing)
    with pytest.raises(OSError, match="no space"):
        await desk.services.archive.archive_old()
    assert (await _rows(desk), desk.stored()) == (rows, stored)
    monkeypatch.undo()
    assert await desk.services.archive.archive_old() == 1
    calls = 0
    if fails_at < 3:
        await _delete(desk)
        archived = desk.stored()
        monkeypatch.setattr(PrivateFiles, "put", failing)
        with pytest.raises(OSError, match="no space"):
            await desk.services.review.get(desk.teacher, one.id)
        assert desk.stored() == archived
        monkeypatch.undo()
    await desk.services.review.get(desk.teacher, one.id)
    assert await _rows(desk) == rows


async def test_one_whose_key_was_destroyed_keeps_no_other_from_being_archived(desk: Desk, clock: FakeClock) -> None:
    gone, stays = await desk.student(), await desk.student()
    for student in (gone, stays):
        await _answered(desk, student)
    (row,) = await desk.rows("SELECT data_key_id FROM submissions WHERE user_id = :id", id=gone.id)
    async with desk.uow() as tx:
        await desk.ring.destroy(tx, row.data_key_id)
    clock.move(days=366)
    assert await desk.services.archive.archive_old() == 1
    (row,) = await desk.rows("SELECT user_id FROM submissions WHERE archived IS NOT NULL")
    assert row.user_id == stays.id


async def test_nothing_inside_an_archived_one_is_read_by_mistake(desk: Desk, clock: FakeClock) -> None:
    """What does not restore it fails loudly, and shows no submission without its versions."""
    one = await _answered(desk, await desk.student())
    clock.move(days=366)
    await desk.services.archive.archive_old()
    async with desk.uow.read() as tx:
        with pytest.raises(Archived):
            await domain.get_thread(tx, desk.ring, one.id)
