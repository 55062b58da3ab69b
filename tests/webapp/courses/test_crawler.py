"""Every address of a lesson, for people of every standing: allowed, or 403 and 404, and never its words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from litestar import Litestar

from backend.identity.types import Actor, Permission
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.school import PICTURE, Classroom

_OPEN, _LOCKED = 1, 3
_WORDS = "First words"
Person = tuple[Visitor, Actor]


async def _stranger(room: Classroom, _other: Classroom, _admin: MakeAdmin) -> Person:
    return await room.arrive()


async def _buyer_of_another(room: Classroom, other: Classroom, _admin: MakeAdmin) -> Person:
    person = await room.arrive()
    await other.open(await other.gift(person[1]), 4)
    return person


async def _student(room: Classroom, _other: Classroom, _admin: MakeAdmin) -> Person:
    person = await room.arrive()
    await room.open(await room.gift(person[1]), 2)
    return person


async def _refunded(room: Classroom, _other: Classroom, _admin: MakeAdmin) -> Person:
    person = await room.arrive(cents=2_000)
    order, enrolment = await room.buy(person[1])
    await room.open(enrolment, 4)
    await room.refund(order)
    return person


async def _revoked(room: Classroom, _other: Classroom, _admin: MakeAdmin) -> Person:
    person = await room.arrive()
    enrolment = await room.gift(person[1])
    await room.open(enrolment, 4)
    await room.revoke(enrolment)
    return person


async def _teacher(room: Classroom, _other: Classroom, admin: MakeAdmin) -> Person:
    visitor = await admin(81, Permission.TEACHING)
    actor = await room.services.identity.access.actor_by_telegram_id(81)
    assert actor is not None
    return visitor, actor


async def _other_admin(room: Classroom, _other: Classroom, admin: MakeAdmin) -> Person:
    visitor = await admin(82, Permission.MONEY, Permission.ORDERS)
    actor = await room.services.identity.access.actor_by_telegram_id(82)
    assert actor is not None
    return visitor, actor


Make = Callable[[Classroom, Classroom, MakeAdmin], Awaitable[Person]]
_PEOPLE: list[tuple[Make, str, str]] = [
    (_stranger, "forbidden", "forbidden"),
    (_buyer_of_another, "forbidden", "forbidden"),
    (_student, "", "lesson_locked"),
    (_refunded, "access_ended", "access_ended"),
    (_revoked, "access_ended", "access_ended"),
    (_teacher, "", ""),
    (_other_admin, "forbidden", "forbidden"),
]


def _addresses(number: int) -> list[tuple[str, str]]:
    url = f"/courses/calm/lessons/lesson-{number}"
    return [
        ("GET", f"/learn/calm/lesson-{number}"),
        ("GET", f"/learn/calm/lesson-{number}?day=4"),
        ("POST", f"{url}/place"),
        ("POST", f"{url}/done"),
    ]


@pytest.mark.parametrize(("make", "if_open", "if_locked"), _PEOPLE, ids=[row[0].__name__[1:] for row in _PEOPLE])
async def test_who_may_open_what(
    app: Litestar,
    visitor: MakeVisitor,
    room: Classroom,
    make_admin: MakeAdmin,
    make: Make,
    if_open: str,
    if_locked: str,
) -> None:
    other = await Classroom(room.services, app, visitor).furnish("other")
    person, actor = await make(room, other, make_admin)
    for number, code in ((_OPEN, if_open), (_LOCKED, if_locked)):
        for method, path in _addresses(number):
            answer = await person.ask(method, path, data={"place": "1"} if method == "POST" else None)
            seen = (answer.status_code, answer.headers.get("x-error-code", ""))
            assert seen == (403, code) if code else seen[0] in {200, 204}, path
            assert not code or _WORDS not in answer.text, path
            if method == "GET" and not code:
                assert _WORDS in answer.text
        file = await person.client.get(room.picture_url(actor, room.lessons[number - 1]))
        assert (file.status_code, file.headers.get("x-error-code", "")) == ((403, code) if code else (200, ""))
        assert code or file.content == PICTURE
    # The file of one course is no file of another's lesson.
    foreign = await person.client.get(room.picture_url(actor, other.lessons[0]))
    assert foreign.status_code in {403, 404}
    for path in ("/learn/calm/nothing", "/learn/nothing/lesson-1"):
        assert (await person.get(path)).status_code == 404


async def test_nobody_is_let_in_without_signing_in(room: Classroom) -> None:
    visitor, actor = await room.arrive()
    for number in (_OPEN, _LOCKED):
        for method, path in _addresses(number):
            answer = await visitor.client.request(method, path, headers={"HX-Request": "true"})
            assert answer.status_code == 401, path
    signed = room.picture_url(actor, room.lessons[0])
    assert (await visitor.client.get(signed.partition("?")[0])).status_code == 403
