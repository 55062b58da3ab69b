"""Goods by hand on real connections: admins and buyers at the same moment, and processes that die."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import SUBSCRIPTIONS
from backend.catalog.errors import SoldOut, WorkEnded, WorkRefunded, WorkTaken
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.types import OrderStatus, OrderView, RefundTarget
from backend.orders.types.lines import LineQuantity
from tests.backend.orders.hand_shop import PRICE, HandShop
from tests.fakes.clock import FakeClock


@pytest.fixture
async def shop(
    engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str, ring: KeyRing, tmp_path: Path
) -> HandShop:
    """On transactions that commit; five may be in preparation."""
    shop = HandShop(UnitOfWork(engine, clock, Signals(engine, database_url), SUBSCRIPTIONS), ring, tmp_path)
    await shop.open(places=5)
    return shop


async def outcomes(*calls: Awaitable[object]) -> Counter[str]:
    """How often each ended how."""
    return Counter(type(result).__name__ for result in await asyncio.gather(*calls, return_exceptions=True))


async def test_two_admins_who_take_at_once(shop: HandShop) -> None:
    for number in range(3):
        _, line = await shop.buy(f"two-take-{number}")
        ended = await outcomes(shop.work.take(shop.dana, line), shop.work.take(shop.omar, line))
        assert ended == {"NoneType": 1, WorkTaken.__name__: 1}
        held = (await shop.work.get(shop.dana, line)).taken_by
        others = [await shop.admin() for _ in range(2)]
        over = await outcomes(*(shop.work.take(one, line, over=held) for one in others))
        assert over == {"NoneType": 1, WorkTaken.__name__: 1}


async def test_a_double_tap_delivers_once(shop: HandShop, tmp_path: Path) -> None:
    order, line = await shop.buy("double-tap-1")
    await shop.work.take(shop.dana, line)
    taps = [shop.work.deliver_file(shop.dana, line, f"{n}.txt", b"the file") for n in range(4)]
    assert await outcomes(*taps) == {"NoneType": 1, WorkEnded.__name__: 3}
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    await shop.settle()
    assert (await shop.orders.delivery.download(shop.buyer, order.number, 1)).data == b"the file"


async def test_a_refund_and_a_delivery_at_once(shop: HandShop) -> None:
    for number in range(4):
        before = await shop.balance()
        order, line = await shop.buy(f"refund-race-{number}")
        await shop.work.take(shop.dana, line)
        refund = shop.orders.refunds.refund(
            Actor.system(), order.number, [LineQuantity(line, 1)], RefundTarget.WALLET, "slow",
            idempotency_key=f"refund-race-{number}",
        )  # fmt: skip
        ended = await outcomes(refund, shop.work.deliver_text(shop.dana, line, "at the same moment"))
        assert ended in (
            {OrderView.__name__: 1, "NoneType": 1}, {OrderView.__name__: 1, WorkRefunded.__name__: 1}
        )  # fmt: skip
        await shop.settle()
        done = await shop.view(order)
        assert (done.status, done.keys, await shop.balance()) == (OrderStatus.REFUNDED, [], before)
    await shop.proven()


async def test_a_refusal_and_a_refund_at_once_give_the_money_back_once(shop: HandShop) -> None:
    order, line = await shop.buy("refuse-race-1")
    await shop.work.take(shop.dana, line)
    refund = shop.orders.refunds.refund(
        Actor.system(), order.number, [LineQuantity(line, 1)], RefundTarget.WALLET, "slow", idempotency_key="refuse-1"
    )
    await outcomes(shop.work.refuse(shop.dana, line, "cannot be had"), refund)
    await shop.settle()
    assert ((await shop.view(order)).status, await shop.balance()) == (OrderStatus.REFUNDED, 10_000)
    await shop.proven()


async def test_more_buyers_than_places(shop: HandShop) -> None:
    ended = await outcomes(*(shop.buy(f"places-{number:04}") for number in range(6)))
    assert ended == {"tuple": 5, SoldOut.__name__: 1}
    assert await shop.balance() == 10_000 - 5 * PRICE
    (first, *_) = await shop.work.list_open(shop.dana)
    await shop.work.take(shop.dana, first.line_id)
    await shop.work.refuse(shop.dana, first.line_id, "no")
    await shop.settle()
    await shop.buy("places-again")  # a refused one has left its place


async def test_a_killed_delivery_leaves_the_line_open_and_no_file(
    shop: HandShop, engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, line = await shop.buy("killed-1")
    await shop.work.take(shop.dana, line)
    put = PrivateFiles.put

    async def put_and_die(files: PrivateFiles, sealed: bytes) -> str:
        name = await put(files, sealed)
        async with engine.connect() as other:
            kill = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            await other.execute(text(f"{kill} AND datname = current_database() AND pid <> pg_backend_pid()"))
        return name

    monkeypatch.setattr(PrivateFiles, "put", put_and_die)
    with pytest.raises(Exception, match=r"terminat|closed"):
        await shop.work.deliver_file(shop.dana, line, "a.txt", b"lost")
    monkeypatch.undo()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (await shop.work.get(shop.dana, line)).is_open
    await shop.work.deliver_file(shop.dana, line, "a.txt", b"there")
