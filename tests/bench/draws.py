"""Draws in a second against the same shuffle by the system's own randomness, which nobody could check."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable

from backend.readings.rules import drawing
from backend.readings.types import CARDS
from tests.backend.readings.fairness import unfair
from tests.bench.report import Row
from tests.bench.world import World

_SECONDS = 2.0
_FAIR = 1_000_000
_PART = 50_000


def _per_second(work: Callable[[int], object]) -> float:
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < _SECONDS:
        for number in range(500):
            work(done + number)
        done += 500
    return done / (time.perf_counter() - started)


async def draws(_world: World) -> Row:
    """A whole deck with orientations, from two seeds. Raises AssertionError unless a million draws are by chance."""
    system = random.SystemRandom()

    def ours(number: int) -> object:
        return drawing.draw(number.to_bytes(64, "big"), "a-seed-that-a-phone-made", CARDS, reversed_cards=True)

    def bare(_number: int) -> object:
        deck = list(range(CARDS))
        system.shuffle(deck)
        return deck

    value, ceiling = _per_second(ours), _per_second(bare)
    orders: list[bytes] = []
    for start in range(0, _FAIR, _PART):
        seeds = (hashlib.sha512(b"bench %d" % number).digest() for number in range(start, start + _PART))
        orders += [bytes(drawing.order(seed, "a-seed-that-a-phone-made")) for seed in seeds]
    problems = unfair(orders)
    assert problems == [], problems
    return Row.of("draws", value, "a second", ceiling, "higher")
