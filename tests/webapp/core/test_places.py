"""Which places there are: asked rarely, again after a signal, and known while nobody answers."""

from __future__ import annotations

from typing import Any

import pytest

from backend.infra.signals import Signals
from backend.kernel.errors import Unavailable
from webapp.core import places as module
from webapp.core.places import Places


class _Shop:
    """Says whether it has courses and spreads, and counts how often it was asked."""

    def __init__(self) -> None:
        self.learn = self.readings = False
        self.away = False
        self.asked = self.changes = 0
        self.now = 100.0

    async def has_courses(self) -> bool:
        self.asked += 1
        if self.away:
            raise Unavailable("no database")
        return self.learn

    async def has_spreads(self) -> bool:
        return self.readings

    def changed(self) -> None:
        self.changes += 1


def _learns(places: Places) -> bool:
    return "learn" in places.open


@pytest.fixture
def shop() -> _Shop:
    """A shop without courses."""
    return _Shop()


@pytest.fixture
def signals(engine: Any, database_url: str) -> Signals:
    """Signals that nobody sends."""
    return Signals(engine, database_url)


@pytest.fixture
def places(shop: _Shop, signals: Signals) -> Places:
    """What a process knows of the shop."""
    return Places({"learn": shop.has_courses, "readings": shop.has_spreads}, signals, shop.changed, lambda: shop.now)


async def test_it_is_asked_once_and_after_a_signal(places: Places, shop: _Shop, signals: Signals) -> None:
    await places.look()
    shop.learn = True
    await places.look()
    assert (_learns(places), shop.asked, shop.changes) == (False, 1, 0)
    signals._receive(None, 0, "souk", "catalogue:8")
    await places.look()
    await places.look()
    assert (_learns(places), shop.asked, shop.changes) == (True, 2, 1)


async def test_a_lost_signal_costs_a_minute(places: Places, shop: _Shop) -> None:
    await places.look()
    shop.learn = True
    shop.now += module.MAX_AGE_SECONDS
    await places.look()
    assert _learns(places)


async def test_while_nobody_answers_it_stands(places: Places, shop: _Shop) -> None:
    shop.learn = True
    await places.look()
    shop.away = True
    shop.now += module.MAX_AGE_SECONDS
    await places.look()
    assert (_learns(places), shop.changes) == (True, 1)
    shop.away, shop.learn = False, False
    await places.look()
    assert _learns(places)
    shop.now += 2
    await places.look()
    assert (_learns(places), shop.changes) == (False, 2)


async def test_each_place_is_known_by_itself(places: Places, shop: _Shop, signals: Signals) -> None:
    shop.readings = True
    await places.look()
    assert places.open == {"readings"}
    shop.readings, shop.learn = False, True
    signals._receive(None, 0, "souk", "catalogue:8")
    await places.look()
    assert (places.open, shop.changes) == ({"learn"}, 2)
