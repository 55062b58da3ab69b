"""Credits that admins give to people: counted, audited, given once."""

from __future__ import annotations

import asyncio

from backend.identity.types import Permission
from backend.infra import audit_reading
from backend.infra.audit_reading import Chosen
from backend.kernel.ids import new_id
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.readings.admin.conftest import ROOM, Desk, package
from tests.webapp.sale import arrive, plain

GIFT = {"credits": "٥", "reason": "For the wait", "intent": "one-intent"}


async def test_a_gift_is_given_once_and_audited(desk: Desk, visitor: MakeVisitor, catalogue: None) -> None:
    await package(desk, 1000, 10)
    omar = await arrive(desk.services, visitor(42, first_name="Omar"))
    path = f"{ROOM}/gifts/{omar.id}"
    assert "Omar" in (await desk.page.get(path)).text
    for _ in range(2):
        assert (await desk.page.post(path, data=GIFT)).status_code == 200
    other = await desk.page.post(path, data={**GIFT, "credits": "6"})
    assert other.status_code == 409
    gifts = desk.services.readings.gifts
    assert await gifts.balance_of(desk.keeper, omar.id) == 5
    assert [(one.credits, one.reason) for one in await gifts.list_latest(desk.keeper)] == [(5, "For the wait")]
    said = plain((await desk.page.get(f"{ROOM}/gifts")).text)
    assert "Omar" in said and "5 credits" in said and "For the wait" in said
    async with desk.services.uow.read() as tx:
        (line,) = await audit_reading.find(tx, Chosen(areas=("readings",), person_id=omar.id), None, 5)
    assert line.content is not None
    assert (line.actor_id, line.content.params["credits"]) == (desk.keeper.id, 5)


async def test_what_is_wrong_with_a_gift_is_said(desk: Desk, visitor: MakeVisitor) -> None:
    omar = await arrive(desk.services, visitor(42))
    path = f"{ROOM}/gifts/{omar.id}"
    for bad in ({"credits": "0"}, {"credits": "1001"}, {"credits": "many"}, {"reason": ""}, {"credits": ""}):
        answer = await desk.page.post(path, data={**GIFT, **bad})
        assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text, bad
    assert (await desk.page.post(f"{ROOM}/gifts/{new_id()}", data=GIFT)).status_code == 404
    assert await desk.services.readings.gifts.balance_of(desk.keeper, omar.id) == 0


async def test_gifts_count_against_the_single_admin_limit(
    desk: Desk, visitor: MakeVisitor, make_admin: MakeAdmin, catalogue: None
) -> None:
    omar = await arrive(desk.services, visitor(42))
    await make_admin(82, Permission.MONEY)
    limit = desk.services.approvals.limit.amount
    # One credit is worth a third of what one admin may give away alone.
    await package(desk, limit, 3)
    path = f"{ROOM}/gifts/{omar.id}"
    assert (await desk.page.post(path, data={**GIFT, "credits": "2"})).status_code == 200
    over = await desk.page.post(path, data={**GIFT, "credits": "2", "intent": "two-intent"})
    assert over.status_code == 422 and "More than one admin may give away alone" in over.text
    assert await desk.services.readings.gifts.balance_of(desk.keeper, omar.id) == 2


async def test_nobody_gives_themselves_credits_while_others_could(desk: Desk, make_admin: MakeAdmin) -> None:
    other: Visitor = await make_admin(82, Permission.MONEY)
    await arrive(desk.services, other)
    answer = await desk.page.post(f"{ROOM}/gifts/{desk.keeper.id}", data=GIFT)
    assert answer.status_code in {403, 409}
    assert await desk.services.readings.gifts.balance_of(desk.keeper, desk.keeper.id) == 0


async def test_ten_taps_at_once_are_one_gift(desk: Desk, visitor: MakeVisitor, catalogue: None) -> None:
    await package(desk, 100, 10)
    omar, gifts = await arrive(desk.services, visitor(42)), desk.services.readings.gifts
    taps = (gifts.give(desk.keeper, omar.id, 5, "Thanks", idempotency_key="same") for _ in range(10))
    await asyncio.gather(*taps)
    assert await gifts.balance_of(desk.keeper, omar.id) == 5
    assert len(await gifts.list_latest(desk.keeper)) == 1
