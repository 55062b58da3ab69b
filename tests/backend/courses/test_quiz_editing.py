"""Quizzes in the panel and in folders: versions, what is refused, and an import that names what it changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from backend.courses.errors import LessonEdited
from backend.courses.types.authoring import ChangeAction, ChangeKind
from backend.courses.types.quiz import Quiz
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid
from tests.backend.quizzes.desk import LESSON, QUIZ, Desk
from tests.factories.courses import course_services
from tests.fakes.clock import FakeClock


@pytest.fixture
async def desk(uow: UnitOfWork, clock: FakeClock) -> Desk:
    """A course with a quiz."""
    return await Desk(uow, clock).open()


async def _quiz(desk: Desk) -> Quiz:
    stored = (await desk.school.quiz_editing.get(desk.teacher, desk.lessons[LESSON])).quiz
    assert stored is not None
    return stored


async def test_a_change_is_a_version_and_the_same_again_is_none(desk: Desk) -> None:
    editing, lesson = desk.school.quiz_editing, desk.lessons[LESSON]
    first = await editing.get(desk.teacher, lesson)
    assert first.quiz is not None and len({one.id for one in first.quiz.questions}) == 3
    await editing.save(desk.teacher, lesson, first.quiz, version=first.version)
    assert await editing.get(desk.teacher, lesson) == first
    await editing.save(desk.teacher, lesson, replace(first.quiz, minutes=5), version=first.version)
    with pytest.raises(LessonEdited):
        await editing.save(desk.teacher, lesson, None, version=first.version)
    second = await editing.get(desk.teacher, lesson)
    await editing.save(desk.teacher, lesson, None, version=second.version)
    with pytest.raises(LessonEdited):
        await editing.save(desk.teacher, lesson, first.quiz, version=second.version)
    assert (await editing.get(desk.teacher, lesson)).quiz is None
    (row,) = await desk.rows("SELECT count(*), max(version) AS version FROM lesson_quizzes")
    assert (row.count, row.version) == (2, 2)
    student = await desk.student()
    for refused in (editing.get(student, lesson), editing.save(student, lesson, None, version=0)):
        with pytest.raises(Forbidden):
            await refused


async def test_what_a_quiz_cannot_be_is_named(desk: Desk) -> None:
    single, multiple, typed = QUIZ.questions
    bad = replace(
        QUIZ,
        questions=(
            replace(single, options=single.options[:1]),
            replace(multiple, text={}, points=0),
            replace(typed, accepted={}),
        ),
        attempts=0,
        minutes=601,
        passing_percent=101,
    )
    with pytest.raises(Invalid) as refused:
        await desk.set_quiz(bad)
    assert refused.value.fields == {
        "q1_options": "too_few", "q2_text_en": "required", "q2_points": "out_of_range", "q3_accepted_en": "required",
        "attempts": "out_of_range", "minutes": "out_of_range", "passing_percent": "out_of_range",
    }  # fmt: skip
    for questions, code in (((), "required"), ((single,) * 51, "too_many")):
        with pytest.raises(Invalid) as refused:
            await desk.set_quiz(replace(QUIZ, questions=questions))
        assert refused.value.fields == {"questions": code}


async def test_a_quiz_survives_its_export_and_import(desk: Desk, tmp_path: Path) -> None:
    school, quiz = course_services(desk.uow, tmp_path / "files"), await _quiz(desk)
    folder = tmp_path / "calm"
    await school.authoring.export_folder(desk.teacher, "calm", folder)
    file = folder / "01-sounds.quiz.md"
    assert "- (x) Your breath" in file.read_text("utf-8")
    await school.authoring.import_folder(desk.teacher, folder, apply=True)  # plans have more names now
    same = await school.authoring.import_folder(desk.teacher, folder, apply=True)
    assert (same.problems, same.changes, await _quiz(desk)) == ((), (), quiz)

    file.write_text(file.read_text("utf-8").replace("Which is nearest?", "What is nearest?"), "utf-8")
    report = await school.authoring.import_folder(desk.teacher, folder, apply=True)
    assert [(one.kind, one.ref, one.action) for one in report.changes] == [
        (ChangeKind.QUIZ, LESSON, ChangeAction.UPDATE)
    ]
    after = await _quiz(desk)
    assert [one.id for one in after.questions] == [one.id for one in quiz.questions]
    assert after.questions != quiz.questions and not report.moves_schedule

    file.unlink()
    left = await school.authoring.import_folder(desk.teacher, folder, apply=True)
    assert [one.action for one in left.changes] == [ChangeAction.MISSING] and await _quiz(desk) == after
    gone = await school.authoring.import_folder(desk.teacher, folder, apply=True, delete_missing=True)
    assert [one.action for one in gone.changes] == [ChangeAction.DELETE]
    assert (await desk.school.quiz_editing.get(desk.teacher, desk.lessons[LESSON])).quiz is None
    target = tmp_path / "again"
    await school.authoring.export_folder(desk.teacher, "calm", target)
    assert not list(target.glob("*.quiz.*"))
