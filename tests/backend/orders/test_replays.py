"""The same idempotency key again: the same order for the same request, a conflict for any other."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.errors import IdempotencyKeyReused
from backend.orders.types import RequestedLine
from tests.backend.orders.two_kinds import Shop, some
from tests.factories.wallet import usd

KEY = "the-same-key"


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    """The shop."""
    shop = Shop(uow, ring)
    await shop.open()
    return shop


def others(shop: Shop) -> list[list[RequestedLine]]:
    """All but one of the fake and one of the keys."""
    fake, keys = (shop.fakes[0], 1), (shop.keys[0], 1)
    more, another = (shop.keys[0], 2), (shop.keys[1], 1)
    return [some(fake), some(fake, more), some(fake, another), some(fake, keys, another)]


async def test_the_lines_in_another_order_are_the_same_request(shop: Shop) -> None:
    lines = some((shop.fakes[0], 1), (shop.keys[0], 1))
    order = await shop.orders.checkout.place_all(shop.buyer, lines, KEY)
    assert await shop.orders.checkout.place_all(shop.buyer, lines[::-1], KEY) == order
    assert await shop.orders.checkout.place_all(shop.buyer, lines, KEY, confirmed=usd(1)) == order
    for other in others(shop):
        with pytest.raises(IdempotencyKeyReused):
            await shop.orders.checkout.place_all(shop.buyer, other, KEY)


async def test_a_reservation_with_or_without_the_balance_is_another_request(shop: Shop) -> None:
    lines = some((shop.fakes[0], 1), (shop.keys[0], 1))
    ref = await shop.orders.checkout.reserve_all(shop.buyer, lines, KEY, hold=False)
    assert await shop.orders.checkout.reserve_all(shop.buyer, lines, KEY, hold=False) == ref
    with pytest.raises(IdempotencyKeyReused):
        await shop.orders.checkout.reserve_all(shop.buyer, lines, KEY, hold=True)
    with pytest.raises(IdempotencyKeyReused):
        await shop.orders.checkout.place_all(shop.buyer, lines, KEY)


async def test_of_an_order_without_a_hash_the_lines_are_compared(shop: Shop) -> None:
    lines = some((shop.fakes[0], 1), (shop.keys[0], 1))
    order = await shop.orders.checkout.place_all(shop.buyer, lines, KEY)
    async with shop.uow() as tx:
        await tx.execute(text("UPDATE orders SET request_hash = NULL"))
    assert await shop.orders.checkout.place_all(shop.buyer, lines, KEY) == order
    for other in others(shop):
        with pytest.raises(IdempotencyKeyReused):
            await shop.orders.checkout.place_all(shop.buyer, other, KEY)
