"""The SQL of what came of spreads in a period."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from backend.infra.unit_of_work import Tx
from backend.readings.types import Failure, SpreadId

_DRAWS: Final = text("""
    SELECT spread_id, count(*) FILTER (WHERE state = 'drawn') AS drawn,
      count(*) FILTER (WHERE state = 'drawn' AND free) AS free,
      count(*) FILTER (WHERE state = 'abandoned') AS abandoned
    FROM readings WHERE committed_at >= :since GROUP BY spread_id
""")
_ANSWERS: Final = text("""
    SELECT spread_id, count(*) FILTER (WHERE status = 'complete') AS answers,
      count(*) FILTER (WHERE source = 'built_in') AS built_in,
      coalesce(sum(charged), 0) AS credits, coalesce(sum(cost_micros), 0) AS cost_micros
    FROM reading_answers WHERE asked_at >= :since GROUP BY spread_id
""")
_FAILURES: Final = text("""
    SELECT spread_id, failure, count(*) AS many FROM reading_failures WHERE failed_at >= :since
    GROUP BY spread_id, failure
""")


_ASKED: Final = text("SELECT count(*) FROM readings WHERE committed_at >= :early AND asked_at >= :since")
# A question comes at the latest a day after its commitment.
_EARLIER: Final = timedelta(days=2)


async def count_asked(tx: Tx, since: datetime) -> int:
    """How many readings were asked for."""
    return int((await tx.execute(_ASKED, {"since": since, "early": since - _EARLIER})).scalar_one())


async def list_draws(tx: Tx, since: datetime) -> dict[SpreadId, dict[str, int]]:
    """How many draws of each spread were dealt, were free cards, were abandoned."""
    return _by_spread(await tx.execute(_DRAWS, {"since": since}))


async def list_answers(tx: Tx, since: datetime) -> dict[SpreadId, dict[str, int]]:
    """How many answers of each spread are complete, who wrote them, what they took."""
    return _by_spread(await tx.execute(_ANSWERS, {"since": since}))


async def list_failures(tx: Tx, since: datetime) -> dict[SpreadId, dict[Failure, int]]:
    """How often attempts of each spread failed, and how."""
    failures: defaultdict[SpreadId, dict[Failure, int]] = defaultdict(dict)
    for row in await tx.execute(_FAILURES, {"since": since}):
        failures[SpreadId(row.spread_id)][Failure(row.failure)] = row.many
    return failures


def _by_spread(rows: Any) -> dict[SpreadId, dict[str, int]]:
    return {
        SpreadId(row.spread_id): {name: int(value) for name, value in row._mapping.items() if name != "spread_id"}
        for row in rows
    }
