"""Whether shuffles are fair: chi-square of each position, of pairs, and of orientations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from backend.readings.types import CARDS

# With some 160 figures in a run, 6 deviations of a normal one are exceeded once in several million runs.
_DEVIATIONS = 6.0


def unfair(orders: Sequence[bytes]) -> list[str]:
    """What is not by chance in so many orders of the deck, each 78 bytes; an empty list for fair shuffles."""
    together = b"".join(orders)
    positions = [together[place::CARDS] for place in range(CARDS)]
    problems = [
        f"position {place}" for place, cards in enumerate(positions) if _odd(Counter(cards), CARDS, len(orders))
    ]
    for first in (0, 1, 38, 76):
        pairs = Counter(zip(positions[first], positions[first + 1], strict=True))
        if _odd(pairs, CARDS * (CARDS - 1), len(orders)):
            problems.append(f"pair {first}, {first + 1}")
    # Each card against the place that it lay in before the shuffle.
    fixed = sum(place == card for order in orders for place, card in enumerate(order))
    if abs(fixed - len(orders)) > _DEVIATIONS * math.sqrt(len(orders)):
        problems.append("cards that stay where they were")
    return problems


def _odd(counts: Counter[int] | Counter[tuple[int, int]], cells: int, draws: int) -> bool:
    """Whether a chi-square statistic is too far from its mean, by Wilson and Hilferty's normal approximation."""
    expected, freedom = draws / cells, cells - 1
    statistic = sum((count - expected) ** 2 for count in counts.values()) / expected
    statistic += (cells - len(counts)) * expected
    cube = (statistic / freedom) ** (1 / 3)
    deviations = (cube - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))
    return abs(deviations) > _DEVIATIONS
