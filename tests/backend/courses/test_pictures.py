"""Students get pictures without metadata, exactly as they look; authors get their own files again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from backend.courses.repository import media
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.courses.author_desk import Desk
from tests.factories.pictures import PICTURES

_, PHOTO, CLEAN = PICTURES["a JPEG of a phone"]


async def test_students_get_the_copy_and_the_author_the_file(uow: UnitOfWork, tmp_path: Path) -> None:
    desk = await Desk(uow, tmp_path).open("sea.jpg", PHOTO)
    assert await desk.served() == await desk.sent() == CLEAN
    assert await desk.exported(tmp_path / "calm") == PHOTO
    async with uow() as tx:
        await media.delete_files(tx, [desk.file.id])
    report = await desk.school.authoring.import_folder(desk.teacher, tmp_path / "calm", apply=True)
    assert report.applied and "media/sea.jpg" in {item.ref for item in report.changes}
    (desk.file,) = await desk.school.editing.list_files(desk.teacher, desk.course)
    assert (desk.file.size, await desk.served()) == (len(PHOTO), CLEAN)
    async with uow.read() as tx:
        used, later = await media.list_contents(tx), tx.now + timedelta(days=400)
    assert len(used) == 2
    await desk.files.delete_others(used, later)
    assert await desk.served() == CLEAN


async def test_a_picture_from_before_gets_its_copy_when_it_is_needed(uow: UnitOfWork, tmp_path: Path) -> None:
    desk = await Desk(uow, tmp_path).open("sea.jpg", PHOTO)
    for read in (desk.served, desk.sent):
        await desk.forget_copy()
        assert await read() == CLEAN
        async with uow.read() as tx:
            item = await media.find_file(tx, desk.file.id)
        assert item is not None and item.content.shown_size == len(CLEAN)
