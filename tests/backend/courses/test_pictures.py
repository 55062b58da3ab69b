"""Students get pictures without metadata, exactly as they look; authors get their own files again."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from backend.courses.repository import media
from backend.courses.rules.pictures import without_metadata
from backend.courses.service import ChatFiles
from backend.courses.types import CourseId
from backend.courses.types.editing import EditedText, LessonFields
from backend.identity.types import Actor
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale
from tests.factories.courses import add_course, add_teacher, course_services

_TURNED = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
"""EXIF of a picture that lies on its side, and nothing else."""
_PHONE = (
    b"II*\0" + struct.pack("<IH", 8, 3)
    + struct.pack("<HHI4s", 0x010F, 2, 4, b"CAM\0") + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    + struct.pack("<HHII", 0x8825, 4, 1, 50) + bytes(4) + b"N 52.5"
)  # fmt: skip
"""EXIF as a phone writes it: its name, how it was held, and where."""
_UPRIGHT = b"MM\0*" + struct.pack(">IHHHI4s", 8, 1, 0x010F, 2, 4, b"CAM\0") + bytes(4)


def _segment(code: int, body: bytes) -> bytes:
    return struct.pack(">HH", 0xFF00 + code, len(body) + 2) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def _riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + (b"\0" if len(data) % 2 else b"") for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


_JFIF, _ICC = _segment(0xE0, b"JFIF\0 1.1"), _segment(0xE2, b"ICC_PROFILE\0 colours")
_FRAME = _segment(0xC2, struct.pack(">BHHB", 8, 4, 6, 3) + bytes(9))
_SCANS = _segment(0xDA, b"\1\1\0\0") + b"ab\xff\0\xff\xd0cd" + _segment(0xC4, b"t") + _segment(0xDA, b"\1") + b"ef"
_IHDR, _IDAT, _IEND = _chunk(b"IHDR", bytes(13)), _chunk(b"IDAT", b"pixels"), _chunk(b"IEND", b"")
_GIF = b"GIF89a" + struct.pack("<HHBBB", 3, 4, 0x80, 0, 0) + b"colour"
_LOOP, _HELD = b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", b"!\xf9\4\0\1\0\0\0"
_IMAGE = b"," + struct.pack("<HHHHB", 0, 0, 3, 4, 0x81) + b"local colour" + b"\2\3abc\1d\0"
_FLAGS = 0x20 | 0x10

PICTURES = {
    "a JPEG of a phone": (
        "image/jpeg",
        b"\xff\xd8" + _JFIF + _segment(0xE1, b"Exif\0\0" + _PHONE) + _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0GPS")
        + _segment(0xE2, b"MPF\0") + _ICC + _segment(0xED, b"Photoshop") + _segment(0xFE, b"note") + b"\xff" + _FRAME
        + _SCANS + b"\xff\xd9" + b"\xff\xd8 a second picture",
        b"\xff\xd8" + _JFIF + _segment(0xE1, b"Exif\0\0" + _TURNED) + _ICC + _FRAME + _SCANS + b"\xff\xd9",
    ),
    "an upright JPEG": (
        "image/jpeg",
        b"\xff\xd8" + _segment(0xE1, b"Exif\0\0" + _UPRIGHT) + _FRAME + _SCANS + b"\xff\xd9",
        b"\xff\xd8" + _FRAME + _SCANS + b"\xff\xd9",
    ),
    "a PNG": (
        "image/png",
        b"\x89PNG\r\n\x1a\n" + _IHDR + _chunk(b"eXIf", _PHONE) + _chunk(b"tEXt", b"Author\0A")
        + _chunk(b"tIME", bytes(7)) + _IDAT + _chunk(b"caBX", b"who") + _IEND + b"behind it",
        b"\x89PNG\r\n\x1a\n" + _IHDR + _chunk(b"eXIf", _TURNED) + _IDAT + _IEND,
    ),
    "a WebP": (
        "image/webp",
        _riff((b"VP8X", bytes([_FLAGS | 0x0C]) + bytes(9)), (b"ICCP", b"icc"), (b"VP8 ", b"pixels"), (b"EXIF", _PHONE),
              (b"XMP ", b"who")) + b"behind it",
        _riff((b"VP8X", bytes([_FLAGS | 0x08]) + bytes(9)), (b"ICCP", b"icc"), (b"VP8 ", b"pixels"),
              (b"EXIF", _TURNED)),
    ),
    "a GIF": (
        "image/gif",
        _GIF + _LOOP + b"!\xfe\4note\0" + b"!\xff\x0bXMP DataXMP\3who\0" + _HELD + _IMAGE + b";" + b"behind it",
        _GIF + _LOOP + _HELD + _IMAGE + b";",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_only_the_picture_stays(name: str) -> None:
    mime, given_file, shown = PICTURES[name]
    assert without_metadata(given_file, mime) == shown
    assert without_metadata(shown, mime) == shown


@given(st.sampled_from(sorted(PICTURES)), st.data())
def test_of_a_damaged_picture_stays_what_can_be_read(name: str, data: st.DataObject) -> None:
    mime, whole, _ = PICTURES[name]
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for place in data.draw(st.lists(st.integers(0, len(broken)), max_size=6)):
        broken[place : place + 1] = data.draw(st.binary(min_size=1, max_size=4))
    shown = without_metadata(bytes(broken), mime)
    assert len(shown) <= len(broken) + 64


class Desk:
    """A teacher's course with an empty folder for its files."""

    def __init__(self, uow: UnitOfWork, folder: Path) -> None:
        self.uow = uow
        self.files = ContentFiles(folder / "files")
        self.school = course_services(uow, folder / "files")

    async def open(self) -> Desk:
        """Store the course, and upload a picture of a phone."""
        self.teacher: Actor = await add_teacher(self.uow)
        self.course: CourseId = await add_course(self.uow, self.teacher)
        fields = LessonFields(slug="one", texts={Locale.EN: EditedText("One", "Text.")})
        self.lesson = await self.school.editing.add(self.teacher, self.course, fields)
        self.mime, self.photo, self.clean = PICTURES["a JPEG of a phone"]
        source = io.BytesIO(self.photo)
        await self.school.editing.upload(self.teacher, self.course, "sea.jpg", source, len(self.photo))
        (self.file,) = await self.school.editing.list_files(self.teacher, self.course)
        return self

    async def served(self) -> bytes:
        """What a reader of the lesson gets, by the size that is announced."""
        shown = await self.school.lessons.file(self.teacher, self.lesson, self.file.id)
        assert shown.size == len(await self.files.get(shown.stored))
        return b"".join([part async for part in self.files.read(shown.stored, 0, shown.size)])

    async def sent(self) -> bytes:
        """What is uploaded to the chat."""
        chat = ChatFiles(uow=self.uow, files=self.files, bot_id=1)
        file = await chat.find(self.file.id)
        assert file is not None
        return await chat.read(file)


async def test_students_get_the_copy_and_the_author_the_file(uow: UnitOfWork, tmp_path: Path) -> None:
    desk = await Desk(uow, tmp_path).open()
    assert await desk.served() == await desk.sent() == desk.clean
    await desk.school.authoring.export_folder(desk.teacher, "calm", tmp_path / "calm")
    assert (tmp_path / "calm" / "media" / "sea.jpg").read_bytes() == desk.photo
    async with uow() as tx:
        await media.delete_files(tx, [desk.file.id])
    report = await desk.school.authoring.import_folder(desk.teacher, tmp_path / "calm", apply=True)
    assert report.applied and "media/sea.jpg" in {item.ref for item in report.changes}
    (desk.file,) = await desk.school.editing.list_files(desk.teacher, desk.course)
    assert (desk.file.size, await desk.served()) == (len(desk.photo), desk.clean)
    async with uow.read() as tx:
        used, later = await media.list_contents(tx), tx.now + timedelta(days=400)
    assert len(used) == 2
    await desk.files.delete_others(used, later)
    assert await desk.served() == desk.clean


async def test_a_picture_from_before_gets_its_copy_when_it_is_needed(uow: UnitOfWork, tmp_path: Path) -> None:
    desk = await Desk(uow, tmp_path).open()
    for read in (desk.served, desk.sent):
        async with uow() as tx:
            await tx.execute(text("UPDATE lesson_media SET shown = NULL, shown_size = NULL"))
        assert await read() == desk.clean
        async with uow.read() as tx:
            item = await media.find_file(tx, desk.file.id)
        assert item is not None and item.content.shown_size == len(desk.clean)
