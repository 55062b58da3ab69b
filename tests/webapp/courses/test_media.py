"""Files of lessons: whole and in parts, for the person and the lesson that their address was signed for."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest
from litestar import Litestar

from backend.bootstrap import Services
from backend.courses.repository import media
from backend.courses.types import CourseId, LessonId, MediaId, MediaKind
from backend.identity.types import Actor, Permission
from tests.factories.courses import add_course, add_lessons, add_teacher, enrolments_of, open_lessons, tariffs_of
from tests.fakes.clock import FakeClock
from tests.webapp.back_office import MakeAdmin
from tests.webapp.conftest import MakeVisitor

_DATA = os.urandom(700_000)


class Room:
    """A student with two lessons, of which the first is open, and a video."""

    def __init__(self, services: Services, app: Litestar, clock: FakeClock) -> None:
        self.services = services
        self.addresses = app.state.site.addresses
        self.clock = clock

    async def furnish(self) -> Room:
        """Store everything."""
        uow = self.services.uow
        self.teacher = await add_teacher(uow)
        self.course: CourseId = await add_course(uow, self.teacher)
        self.open, self.locked = await add_lessons(uow, self.course, 2)
        stored = await self.services.courses.lessons.contents.put(io.BytesIO(_DATA))
        values = {"path": "media/a b.mp4", "kind": MediaKind.VIDEO, "mime": "video/mp4", "size": len(_DATA)}
        async with uow() as tx:
            self.media: MediaId = await media.add(tx, self.course, {**values, "sha256": stored, "stored": stored})
        return self

    async def enrol(self, student: Actor) -> None:
        """Give somebody the course, and open its first lesson."""
        tariff = (await tariffs_of(self.services.uow, self.teacher, self.course))["basic"]
        await self.services.courses.students.gift(self.teacher, student.id, tariff.id, "a gift")
        (enrolment,) = await enrolments_of(self.services.uow, student)
        await open_lessons(self.services.uow, enrolment, [self.open], self.clock.now())

    def url(self, actor: Actor, lesson: LessonId | None = None) -> str:
        """The video's address for somebody."""
        address: str = self.addresses.sign(f"/learn/media/{lesson or self.open}/{self.media}.mp4", actor, seconds=7200)
        return address


@pytest.fixture
async def room(services: Services, app: Litestar, clock: FakeClock) -> Room:
    """A school."""
    return await Room(services, app, clock).furnish()


@pytest.fixture
async def student(services: Services, room: Room, visitor: MakeVisitor) -> Actor:
    """Somebody with the course."""
    actor = await _arrive(services, visitor, 42)
    await room.enrol(actor)
    return actor


async def _arrive(services: Services, visitor: MakeVisitor, telegram_id: int) -> Actor:
    await visitor(telegram_id).get("/me")
    actor = await services.identity.access.actor_by_telegram_id(telegram_id)
    assert actor is not None
    return actor


async def test_a_whole_file(room: Room, student: Actor, client: Any) -> None:
    answer = await client.get(room.url(student))
    assert (answer.status_code, answer.content) == (200, _DATA)
    assert answer.headers["accept-ranges"] == "bytes" and answer.headers["content-length"] == str(len(_DATA))
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''a%20b.mp4"
    assert "sandbox" in answer.headers["content-security-policy"] and "private" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-1", 0, 1),
        ("bytes=699990-", 699_990, 699_999),
        ("bytes=-5", 699_995, 699_999),
        ("bytes=9-999999999", 9, 699_999),
    ],
)
async def test_a_part_of_it(room: Room, student: Actor, client: Any, asked: str, first: int, last: int) -> None:
    answer = await client.get(room.url(student), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, _DATA[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(_DATA)}"
    assert answer.headers["content-length"] == str(last + 1 - first)


async def test_a_part_outside_of_it_and_one_of_an_older_file(room: Room, student: Actor, client: Any) -> None:
    answer = await client.get(room.url(student), headers={"Range": "bytes=700000-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(_DATA)}")
    answer = await client.get(room.url(student), headers={"Range": "bytes=0-1", "If-Range": '"older"'})
    assert (answer.status_code, len(answer.content)) == (200, len(_DATA))
    same = answer.headers["etag"]
    answer = await client.get(room.url(student), headers={"Range": "bytes=0-1", "If-Range": same})
    assert answer.status_code == 206


async def test_nobody_else_gets_it(
    services: Services,
    room: Room,
    student: Actor,
    client: Any,
    visitor: MakeVisitor,
    make_admin: MakeAdmin,
    clock: FakeClock,
) -> None:
    stranger = await _arrive(services, visitor, 77)
    await make_admin(81, Permission.TEACHING)
    teacher = await services.identity.access.actor_by_telegram_id(81)
    assert teacher is not None
    other = await add_course(services.uow, room.teacher, "other")
    (foreign,) = await add_lessons(services.uow, other, 1)
    url = room.url(student)

    async def status(address: str) -> tuple[int, str]:
        answer = await client.get(address)
        assert len(answer.content) < len(_DATA)
        return answer.status_code, answer.headers.get("x-error-code", "")

    assert await status(room.url(stranger)) == (403, "forbidden")
    assert await status(room.url(student, room.locked)) == (403, "lesson_locked")
    assert await status(url.replace(str(room.open), str(room.locked))) == (403, "link_expired")
    assert await status(url.partition("?")[0]) == (403, "link_expired")
    with_name = room.addresses.sign(f"/learn/media/{room.open}/x.mp4", student)
    assert await status(with_name) == (404, "not_found")
    assert await status(room.url(teacher, foreign)) == (404, "not_found")
    assert (await client.get(room.url(teacher, room.locked))).status_code == 200

    (enrolment,) = await enrolments_of(services.uow, student)
    detail = await services.courses.students.get(room.teacher, enrolment)
    await services.courses.students.revoke(room.teacher, detail.grants[0].id, "over")
    assert await status(url) == (403, "access_ended")
    clock.move(hours=3)
    assert (await status(url))[1] == "link_expired"
