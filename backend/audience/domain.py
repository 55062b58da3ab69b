"""Which people a filter means, as one statement: for lists, figures and messages to many."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select

from backend.audience.types import Bought, PeopleFilter
from backend.identity import domain as identity
from backend.identity.types import Standing
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import searched
from backend.orders.domain import people as orders
from backend.wallet import domain as wallet

_DAYS: Final = {Bought.DAYS_30: 30, Bought.DAYS_90: 90}


def matching(
    chosen: PeopleFilter, now: datetime, grace: timedelta, currency: str, also: Iterable[UserId] = ()
) -> Select[Any]:
    """The ids of the people whom a filter means at ``now``.

    ``grace`` is how long premium lasts after its last day; ``also`` are those whom its text means by other names, such
    as the buyer of an order.
    """
    asked = {Standing.BLOCKED: chosen.blocked, Standing.PREMIUM: chosen.premium, Standing.RESELLER: chosen.reseller}
    among: list[Select[Any]] = []
    besides: list[Select[Any]] = []
    match chosen.bought:
        case None:
            pass
        case Bought.NEVER:
            besides.append(orders.buyers())
        case Bought.EVER:
            among.append(orders.buyers())
        case since:
            among.append(orders.buyers(now - timedelta(days=_DAYS[since])))
    if chosen.over is not None:
        among.append(wallet.with_more_than(Money(chosen.over, currency)))
    return identity.people(
        now,
        grace,
        text=searched(chosen.text).removeprefix("@"),
        also=also,
        standings=[standing for standing, on in asked.items() if on],
        language=chosen.language,
        source=chosen.source,
        among=among,
        besides=besides,
    )
