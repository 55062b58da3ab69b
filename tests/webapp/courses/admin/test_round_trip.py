"""A course imported from its folder, edited in the panel and exported again differs only in what was edited."""

from __future__ import annotations

from pathlib import Path

from backend.bootstrap import Services
from backend.identity.types import Permission
from tests.factories.courses import add_category, add_teacher
from tests.webapp.back_office import MakeAdmin
from tests.webapp.courses.admin.test_courses import form

DEMO = Path(__file__).parents[4] / "backend" / "demo" / "courses" / "calm-in-seven-days"


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_only_the_edited_lesson_differs(services: Services, make_admin: MakeAdmin, tmp_path: Path) -> None:
    page, teacher = await make_admin(81, Permission.TEACHING), await add_teacher(services.uow)
    async with services.uow() as tx:
        await add_category(tx, "skills")
    report = await services.courses.authoring.import_folder(teacher, DEMO, apply=True)
    assert report.applied, report.problems
    assert report.course_id is not None
    lesson = (await services.courses.editing.list_lessons(teacher, report.course_id))[2]
    path = f"/admin/courses/{report.course_id}/lessons/{lesson.id}"
    before, after = tmp_path / "before", tmp_path / "after"

    values = form((await page.get(path)).text)
    same = await page.post(path, data=values)
    assert same.status_code == 200, same.text[:500]
    await services.courses.authoring.export_folder(teacher, "calm-in-seven-days", before)
    assert contents(before) == contents(DEMO), "saved as it was, it is as it was"

    values = form((await page.get(path)).text)
    assert (await page.post(path, data={**values, "title_ru": "Дыхание и покой"})).status_code == 200
    await services.courses.authoring.export_folder(teacher, "calm-in-seven-days", after)
    old, new = contents(before), contents(after)
    assert old.keys() == new.keys()
    differ = [name for name in old if old[name] != new[name]]
    assert len(differ) == 1 and differ[0].endswith(".ru.md")
    assert 'title: "Дыхание и покой"' in new[differ[0]].decode()
    assert old[differ[0]].decode().split("---\n", 2)[2] == new[differ[0]].decode().split("---\n", 2)[2]
