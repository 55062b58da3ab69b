"""What admins do: spreads and their versions, packages on sale, credits given away, figures."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import text

from backend.identity.types import Actor, Permission
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import UserId, new_id
from backend.readings.errors import SpreadEdited, SpreadSlugTaken
from backend.readings.types import Failure
from backend.readings.types.rooms import PackageFields, Period
from tests.backend.readings.table import Table
from tests.factories.courses import add_category
from tests.factories.identity import add_admin
from tests.factories.readings import add_reader, credits_of, spread_body
from tests.factories.wallet import actor_of, usd

FIVE = PackageFields(name={"en": "5 credits"}, credits=5, price=usd(499), period=Period.ONCE)


async def _admin(table: Table, *permissions: Permission) -> Actor:
    async with table.uow() as tx:
        user_id = await add_admin(tx, *permissions)
    return msgspec.structs.replace(actor_of(user_id), permissions=frozenset(permissions))


async def test_a_spread_from_its_first_version_to_the_shelf(table: Table) -> None:
    admin, spreads = await _admin(table, Permission.READINGS), table.services.spreads
    created = await spreads.create(admin, "two-roads", 2, spread_body(2, "Two roads"))
    assert (created.hidden, created.version, created.position) == (True, 1, 2)
    with pytest.raises(SpreadSlugTaken):
        await spreads.create(admin, "two-roads", 2, spread_body(2))
    with pytest.raises(NotFound):
        await table.asking.commit(table.reader, "two-roads")
    edited = await spreads.edit(admin, created.id, 1, spread_body(3, "Three roads"))
    assert edited.version == 2
    with pytest.raises(SpreadEdited):
        await spreads.edit(admin, created.id, 1, spread_body(4))
    assert (await spreads.edit(admin, created.id, 2, spread_body(3, "Three roads"))).version == 2
    await spreads.set_hidden(admin, created.id, hidden=False)
    await spreads.set_credits(admin, created.id, 1)
    ids = [spread.id for spread in await spreads.list_all(admin)]
    await spreads.order(admin, ids[::-1])
    assert [spread.id for spread in await spreads.list_all(admin)] == ids[::-1]
    with pytest.raises(Invalid):
        await spreads.order(admin, ids[:1])
    commitment = await table.asking.commit(table.reader, "two-roads")
    assert (commitment.credits, len(commitment.body.positions)) == (1, 3)
    assert len(spreads.preview(admin, spread_body(7))) == 7


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (spread_body(0), "positions"),
        (spread_body(16), "positions"),
        (msgspec.structs.replace(spread_body(), name={"en": "Only English"}), "name_ar"),
        (msgspec.structs.replace(spread_body(), summary={"en": "x" * 201, "ar": "x", "ru": "x"}), "summary_en"),
        (msgspec.structs.replace(spread_body(), prompts={"en": ("",)}), "prompts_en"),
    ],
)
async def test_a_spread_that_cannot_be_is_named(table: Table, body: object, field: str) -> None:
    admin = await _admin(table, Permission.READINGS)
    with pytest.raises(Invalid) as refused:
        await table.services.spreads.create(admin, "odd", 1, body)  # type: ignore[arg-type]
    assert field in refused.value.fields


async def test_others_may_not(table: Table) -> None:
    services, clerk = table.services, await _admin(table, Permission.ORDERS)
    for attempt in (services.spreads.list_all, services.packages.list_all):
        with pytest.raises(Forbidden):
            await attempt(clerk)
    with pytest.raises(Forbidden):
        await services.figures.of_spreads(clerk, 30)
    with pytest.raises(Forbidden):
        await services.gifts.give(clerk, table.reader.id, 1, "a friend")


async def test_packages_are_put_on_sale_and_changed(table: Table) -> None:
    admin, packages = await _admin(table, Permission.READINGS), table.services.packages
    async with table.uow() as tx:
        await add_category(tx, "skills")
    with pytest.raises(NotFound):
        await packages.add(admin, "five", FIVE, category="nowhere")
    five = await packages.add(admin, "five", FIVE, category="skills")
    with pytest.raises(Invalid):
        await packages.add(admin, "five", FIVE)
    monthly = msgspec.structs.replace(FIVE, credits=10, period=Period.MONTHLY, position=1)
    await packages.add(admin, "monthly", monthly)
    await packages.change(admin, five, msgspec.structs.replace(FIVE, credits=6, price=usd(599)))
    listed = await packages.list_all(admin)
    assert [(one.code, one.fields.credits, one.fields.price.amount, one.fields.period) for one in listed] == [
        ("five", 6, 599, Period.ONCE), ("monthly", 10, 499, Period.MONTHLY)
    ]  # fmt: skip
    assert await packages.list_incomplete(admin) == []
    for wrong in ({"credits": 0}, {"name": {}}, {"price": usd(0)}):
        with pytest.raises(Invalid):
            await packages.change(admin, five, msgspec.structs.replace(FIVE, **wrong))


async def test_credits_are_given_within_the_limit_of_one_admin(table: Table) -> None:
    admin, gifts = await _admin(table, Permission.MONEY), table.services.gifts
    await _admin(table, Permission.MONEY)
    async with table.uow() as tx:
        await add_category(tx, "skills")
    await table.services.packages.add(Actor.system(), "five", FIVE, category="skills")
    await gifts.give(admin, table.reader.id, 5, "for the long wait")
    assert await table.credits() == 8
    with pytest.raises(Invalid) as refused:
        await gifts.give(admin, table.reader.id, 6, "and more")
    assert refused.value.fields == {"credits": "above_limit"}
    for credits, reason in ((0, "why"), (1001, "why"), (1, " ")):
        with pytest.raises(Invalid):
            await gifts.give(admin, table.reader.id, credits, reason)
    with pytest.raises(NotFound):
        await gifts.give(admin, UserId(new_id()), 1, "nobody")
    assert await table.credits() == 8
    async with table.uow.read() as tx:
        audits = text("SELECT count(*) FROM audit_entries WHERE action = 'readings.give_credits'")
        assert (await tx.execute(audits)).scalar_one() == 1


async def test_figures_of_spreads(table: Table) -> None:
    admin = await _admin(table, Permission.READINGS)
    async with table.uow() as tx:
        other = actor_of(await add_reader(tx, 1))
    await table.write(await table.ask())
    await table.write(await table.ask(), Failure.GARBAGE)
    await table.write(await table.turn())
    await table.asking.commit(other, "three")
    table.clock.move(hours=24)
    await table.services.upkeep.reveal_lapsed()
    three, one = sorted(await table.services.figures.of_spreads(admin, 7), key=lambda item: item.spread.slug)[::-1]
    assert (three.drawn, three.abandoned, three.answers, three.credits) == (2, 1, 1, 1)
    assert (three.failures, one.failures) == ({Failure.GARBAGE: 1}, {})
    assert (one.drawn, one.free, one.built_in, one.credits) == (1, 1, 1, 0)
    assert await credits_of(table.uow, other.id) == 1
