"""The wallet as JSON."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.di import NamedDependency

from backend.identity.types import Actor
from backend.kernel.money import Money
from webapp.core.refusals import refusals
from webapp.core.site import SoukRequest, site_of


class Wallet(msgspec.Struct, frozen=True):
    """What the caller can spend."""

    balance: Money
    credits: int


@get("/wallet", tags=["wallet"], responses=refusals())
async def api_wallet(request: SoukRequest, actor: NamedDependency[Actor]) -> Wallet:
    """The caller's balance, in minor units of the shop's currency."""
    overview = await site_of(request).services.wallet.statement.overview(actor)
    return Wallet(overview.balance, overview.credits.amount)


HANDLERS = (api_wallet,)
