"""The demo's reader: packages are on sale, three readings are asked once, four credits are left."""

from __future__ import annotations

from backend.bootstrap import Services
from backend.demo.readings import load_demo_readings
from backend.demo.students import LAYLA
from backend.readings.types import AnswerStatus
from tests.conftest import ROOT_ADMIN_ID
from tests.factories.courses import add_category


async def test_a_reader_with_four_credits_and_three_readings(services: Services) -> None:
    async with services.uow() as tx:
        await add_category(tx, "membership")
    await services.readings.upkeep.ensure_spreads()
    root = await services.identity.access.actor_by_telegram_id(ROOT_ADMIN_ID)
    assert root is not None
    for _ in range(2):
        await load_demo_readings(services, root)
    layla = await services.identity.access.authenticate(LAYLA)
    room = await services.readings.rooms.home(layla)
    assert (room.credits, len(room.spreads), len(room.latest)) == (4, 5, 3)
    assert {row.status for row in room.latest} == {AnswerStatus.WAITING}, "the demo's worker writes them"
    assert [package.fields.credits for package in await services.readings.packages.list_all(root)] == [5, 15, 40, 10]
    assert (await services.wallet.statement.overview(layla)).balance.amount == 0
