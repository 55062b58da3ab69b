"""What the chat says of a reading that was written while its person was away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.identity.types import Actor
from backend.kernel.money import CREDIT, Money
from backend.readings.domain import answers
from backend.readings.types import AnswerSource, ReadingId
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram
from tests.factories.readings import LEASE, add_answer, add_spread, credits_of
from tests.factories.wallet import give


async def _write(shop: Shop, waited: timedelta) -> tuple[Actor, ReadingId]:
    """A reading whose text is complete so long after it was asked for."""
    emma, services = await shop.buyer(), shop.services
    async with services.uow() as tx:
        spread = await add_spread(tx)
        await give(tx, emma.id, Money(3, CREDIT))
        answer = await add_answer(tx, services.ring, emma.id, spread, "Shall I stay?")
        assert await answers.claim(tx, services.ring, answer.id, "worker", LEASE)
    shop.clock.move(seconds=waited.total_seconds())
    async with services.uow() as tx:
        assert await answers.complete(
            tx, services.ring, answer.id, 1, source=AnswerSource.BUILT_IN, text="Stay a while."
        )
    return emma, answer.reading_id


async def _said(telegram: Telegram) -> list[str]:
    return [str(item) for item in await telegram.person(EMMA).heard(wait=0) if "reading is ready" in str(item)]


async def test_who_waited_long_and_left_is_told_once(shop: Shop, telegram: Telegram) -> None:
    _, reading = await _write(shop, timedelta(minutes=2))
    await shop.work()
    assert await _said(telegram) == []
    await shop.later(seconds=31)
    (message,) = await _said(telegram)
    assert f"/readings/{reading}" in message and "Three cards" in message
    assert "Shall I stay?" not in message and "Stay a while." not in message


async def test_who_has_read_it_is_not_told(shop: Shop, telegram: Telegram) -> None:
    emma, reading = await _write(shop, timedelta(minutes=2))
    await shop.services.readings.rooms.mark_seen(emma, reading)
    await shop.later(seconds=31)
    assert await _said(telegram) == []


async def test_a_deleted_reading_is_not_told(shop: Shop, telegram: Telegram) -> None:
    emma, reading = await _write(shop, timedelta(minutes=2))
    await shop.services.readings.rooms.delete(emma, reading)
    await shop.later(seconds=31)
    assert await _said(telegram) == []


@pytest.mark.parametrize("seconds", [1, 44])
async def test_a_short_wait_needs_no_message(shop: Shop, telegram: Telegram, seconds: int) -> None:
    emma, _ = await _write(shop, timedelta(seconds=seconds))
    await shop.later(seconds=31)
    assert await _said(telegram) == []
    assert await credits_of(shop.services.uow, emma.id) == 2
