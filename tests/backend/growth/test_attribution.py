"""Who brought a person: the first touch that the server saw before their first paid order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from backend.bootstrap import Services
from backend.growth.errors import PartnerCodeTaken
from backend.growth.rules.attribution import is_code, parse_start
from backend.growth.service import PartnersService
from backend.growth.types.attribution import StartLink
from backend.identity.types import Actor, LinkFollowed
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from tests.backend.courses.school import School
from tests.factories.identity import contact
from tests.factories.shop import buyers
from tests.fakes.clock import FakeClock

ADMIN = Actor.system()
SLUG = "a" * 40
CODE = "B" * 19


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("c_calm", StartLink("calm", None)),
        ("c_calm-in-seven-days-p_Anna_1", StartLink("calm-in-seven-days", "Anna_1")),
        (f"c_{SLUG}-p_{CODE}", StartLink(SLUG, CODE)),
        ("p_anna", StartLink(None, "anna")),
        ("anna", StartLink(None, "anna")),
        ("c_calm-p_", StartLink("calm", None)),
        ("c_-p_anna", StartLink(None, "anna")),
        ("c_", StartLink()),
        ("p_", StartLink()),
        ("", StartLink()),
        ("c_Calm", StartLink()),
        (f"c_{SLUG}a", StartLink()),
        ("p_" + "a" * 20, StartLink()),
        ("a" * 65, StartLink()),
        ("c_calm-p_анна", StartLink()),
        ("c_спокойно", StartLink()),
        ("c_calm p_anna", StartLink()),
        ("g_ABCD2345ABCD2345", StartLink()),
        ("o_ABCDEF", StartLink()),
        ("c_calm-p_p_anna", StartLink("calm", None)),
    ],
)
def test_a_start_parameter_says(text: str, link: StartLink) -> None:
    assert parse_start(text) == link


@given(st.text(max_size=70))
def test_any_text_is_read(text: str) -> None:
    link = parse_start(text)
    assert link.partner is None or is_code(link.partner)
    assert link.course is None or f"c_{link.course}" in text


@given(
    st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True),
    st.from_regex(r"[A-Z0-9]{2,19}", fullmatch=True),
)
def test_a_link_that_is_made_is_read(slug: str, code: str) -> None:
    assert parse_start(f"c_{slug}-p_{code}") == StartLink(slug, code)


@pytest.fixture
async def school(uow: UnitOfWork, ring: KeyRing) -> School:
    """A course, and the partner "Anna"."""
    school = await School(uow, ring).open()
    await PartnersService(uow=uow).add(ADMIN, "Anna", "Anna's channel")
    return school


async def _follow(school: School, clock: FakeClock, actor: Actor, start_param: str, ago: int = 0) -> None:
    at = clock.now() - timedelta(seconds=ago)
    await school.orders.links.note(LinkFollowed(user_id=actor.id, start_param=start_param, at=at))


async def _people(school: School) -> dict[str, int]:
    return {one.code: one.people for one in await PartnersService(uow=school.uow).list_all(ADMIN)}


async def test_the_first_touch_counts_in_whatever_order_it_is_stored(school: School, clock: FakeClock) -> None:
    await PartnersService(uow=school.uow).add(ADMIN, "boris", "Boris")
    for start_param, ago in (("p_boris", 5), ("c_calm-p_anna", 9), ("boris", 1), ("anna", 9)):
        await _follow(school, clock, school.buyer, start_param, ago)
    assert await _people(school) == {"Anna": 1, "boris": 0}


async def test_nothing_counts_after_the_first_paid_order(school: School, clock: FakeClock) -> None:
    (other,) = await buyers(school.uow, 1, 10_000)
    clock.move(minutes=1)
    for actor in (school.buyer, other):
        await school.buy("basic", by=actor)
    clock.move(minutes=1)
    await _follow(school, clock, school.buyer, "anna")
    await _follow(school, clock, other, "anna", 90)  # seen before the order, stored after it
    assert await _people(school) == {"Anna": 1}
    partner = (await PartnersService(uow=school.uow).list_all(ADMIN))[0].id
    assert await school.services.students.count_brought(ADMIN, [partner]) == {partner: 1}


async def test_unknown_and_stopped_codes_bring_nobody(school: School, clock: FakeClock) -> None:
    partners = PartnersService(uow=school.uow)
    anna = (await partners.list_all(ADMIN))[0].id
    await partners.set_stopped(ADMIN, anna, stopped=True)
    for start_param in ("anna", "p_nobody", "c_nothing", "x" * 65):
        await _follow(school, clock, school.buyer, start_param)
    assert await _people(school) == {"Anna": 0}
    await partners.set_stopped(ADMIN, anna, stopped=False)
    await _follow(school, clock, school.buyer, "c_nothing-p_ANNA")
    assert await _people(school) == {"Anna": 1}


async def test_partners_are_made_by_admins_for_money(school: School) -> None:
    partners = PartnersService(uow=school.uow)
    with pytest.raises(PartnerCodeTaken):
        await partners.add(ADMIN, "aNNA", "Another Anna")
    for code in ("", "a", "a" * 20, "c_anna", "анна", "a b", "-anna"):
        with pytest.raises(Invalid):
            await partners.add(ADMIN, code, "Anna")
    with pytest.raises(Invalid):
        await partners.add(ADMIN, "vera", " ")
    with pytest.raises(Forbidden):
        await partners.list_all(school.buyer)
    with pytest.raises(NotFound):
        await partners.set_stopped(ADMIN, school.buyer.id, stopped=True)  # type: ignore[arg-type]


async def test_every_way_in_is_noted(services: Services) -> None:
    """A link is a fact of the transaction that signs the person in, known or new."""
    for start_param in ("c_calm-p_anna", None, "p_anna"):
        await services.identity.access.authenticate(contact(5150, start_param=start_param))
    async with services.uow.read() as tx:
        sql = "SELECT payload->>'start_param' AS said FROM outbox_jobs WHERE task = 'orders.note_link' ORDER BY id"
        assert [row.said for row in await tx.execute(text(sql))] == ["c_calm-p_anna", "p_anna"]
