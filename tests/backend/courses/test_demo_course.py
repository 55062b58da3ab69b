"""The demo's course: whole in three languages, loaded once, and exactly what its folder says."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.courses.service import CoursesServices
from backend.courses.types.authoring import ChangeAction
from backend.demo import load
from backend.demo.load import load_demo_course
from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale
from tests.factories.courses import add_category, course_services

FOLDER = Path(load.__file__).parent / "courses" / "calm-in-seven-days"


@pytest.fixture
async def services(uow: UnitOfWork, tmp_path: Path) -> CoursesServices:
    """A school with the demo's course."""
    async with uow() as tx:
        await add_category(tx, "skills")
    school = course_services(uow, tmp_path / "files")
    assert await load_demo_course(school.authoring, school.courses)
    return school


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_it_is_loaded_once(services: CoursesServices) -> None:
    assert not await load_demo_course(services.authoring, services.courses)
    again = await services.authoring.import_folder(Actor.system(), FOLDER, apply=False)
    assert (again.problems, again.changes) == ((), ())


async def test_every_lesson_is_written_in_every_language(services: CoursesServices) -> None:
    course = await services.courses.find(Actor.system(), "calm-in-seven-days")
    lessons = await services.editing.list_lessons(Actor.system(), course.id)
    assert len(lessons) == 7
    for lesson in lessons:
        assert set(lesson.fields.texts) == set(Locale)
        sizes = {locale: len(text.body) for locale, text in lesson.fields.texts.items()}
        assert min(sizes.values()) > 600, (lesson.fields.slug, sizes)
    assert set(course.product.name) == set(course.product.description) == {locale.value for locale in Locale}


async def test_exported_it_is_the_same_folder(services: CoursesServices, tmp_path: Path) -> None:
    target = tmp_path / "out"
    count = await services.authoring.export_folder(Actor.system(), "calm-in-seven-days", target)
    written = _contents(target)
    assert count == len(written) and set(written) == set(_contents(FOLDER))
    differing = [name for name, data in _contents(FOLDER).items() if written[name] != data]
    assert differing == []

    (target / "01-why-the-mind-runs.md").write_text("x", "utf-8")
    (target / "08-old.md").write_text("x", "utf-8")
    await services.authoring.export_folder(Actor.system(), "calm-in-seven-days", target)
    assert _contents(target) == written


async def test_a_missing_language_is_a_change_of_the_text_alone(services: CoursesServices, tmp_path: Path) -> None:
    target = tmp_path / "out"
    await services.authoring.export_folder(Actor.system(), "calm-in-seven-days", target)
    (target / "02-a-place-to-sit.ru.md").unlink()
    report = await services.authoring.import_folder(Actor.system(), target, apply=False)
    assert [(change.ref, change.action, change.fields) for change in report.changes] == [
        ("a-place-to-sit", ChangeAction.UPDATE, ("text.ru",))
    ]
    assert not report.moves_schedule
