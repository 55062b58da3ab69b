"""The wallet, its adjustments, and the proof of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from backend.identity.types import Actor
from tests.browser.screens.screen import Screen, sheet
from tests.browser.stack import Stack
from tests.browser.telegram import ADMIN
from tests.factories.wallet import usd

if TYPE_CHECKING:
    from tests.browser.screens.world import World


class Past(msgspec.Struct, frozen=True):
    """Whose balance is to be adjusted."""

    adjusted: str


async def live(stack: Stack, payer: Actor, admin: Actor) -> Past:
    """Ask for adjustments that wait for a second admin: one of the admin's own, one of another's."""
    adjustments = stack.services.wallet.adjustments
    much = adjustments.limit + usd(100)
    for asker, amount in ((await stack.actor(ADMIN), much), (admin, -much)):
        await adjustments.adjust(asker, payer.id, amount, "After the outage", idempotency_key=f"much-{payer.id}")
    return Past(str(payer.id))


def screens(world: World) -> list[Screen]:
    """A person's balance, then what admins see of it."""
    person = f"/admin/people/{world.wallet.adjusted}"
    return [
        Screen("wallet", "/wallet"),
        Screen("wallet-empty", "/wallet", "poor"),
        Screen("wallet-payments", "/wallet", "payer"),
        Screen("manage-wallet", f"{person}/wallet", "admin"),
        Screen("manage-adjust", f"{person}/wallet", "admin", sheet("adjust")),
        Screen("manage-adjustments", "/admin/adjustments", "admin"),
        Screen("manage-books", "/admin/books", "admin"),
    ]
