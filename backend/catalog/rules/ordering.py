"""A place in a list that several admins order, and in a tree that they build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

MAX_DEPTH: Final = 6
"""How many levels of categories there may be."""


def moved(order: Sequence[T], one: T, after: T | None) -> list[T]:
    """The list with ``one`` right after another, or first. Raises ValueError where one of them is not in it."""
    rest = list(order)
    rest.remove(one)
    rest.insert(rest.index(after) + 1 if after is not None else 0, one)
    return rest


def may_nest(parents: Mapping[T, T | None], one: T, parent: T | None) -> bool:
    """Whether a category may be put in ``parent``: not in itself or what is in it, and not too deep."""
    above, at = 0, parent
    while at is not None:
        above += 1
        if at == one or above >= MAX_DEPTH:
            return False
        at = parents.get(at)
    return above + _height(parents, one) <= MAX_DEPTH


def _height(parents: Mapping[T, T | None], one: T) -> int:
    children = [child for child, parent in parents.items() if parent == one]
    return 1 + max((_height(parents, child) for child in children), default=0)
