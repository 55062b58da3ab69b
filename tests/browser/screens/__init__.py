"""Every screen of the shop and of the back office, for the checks that look at all of them."""

from __future__ import annotations

from tests.browser.screens import (
    assignments,
    catalog,
    catalogue_admin,
    certificates,
    community,
    core,
    courses,
    courses_admin,
    growth,
    hand_work,
    identity,
    orders,
    payments,
    quizzes,
    readings,
    readings_admin,
    subscriptions,
    support,
    variants,
    wallet,
)
from tests.browser.screens.screen import Screen
from tests.browser.screens.world import World

_SLICES = (
    catalog,
    catalogue_admin,
    orders,
    subscriptions,
    hand_work,
    wallet,
    payments,
    growth,
    courses,
    courses_admin,
    assignments,
    certificates,
    community,
    quizzes,
    readings_admin,
    readings,
    identity,
    support,
    variants,
    core,
)


def screens(world: World) -> list[Screen]:
    """All of them."""
    return [screen for slice_ in _SLICES for screen in slice_.screens(world)]
