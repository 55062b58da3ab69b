"""The SQL of what came of spreads in a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.infra.unit_of_work import Tx
from backend.readings.types import Failure, SpreadId
from backend.readings.types.office import CreditFigures, DayFigures

_EPOCH: Final = date(1970, 1, 1)
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


# A day is a number of them since 1970, in UTC.
_READINGS_BY_DAY: Final = text("""
    SELECT CAST(floor(extract(epoch FROM asked_at) / 86400) AS integer) AS day, count(*) AS readings,
      count(*) FILTER (WHERE free) AS free
    FROM readings WHERE committed_at >= :early AND asked_at >= :since GROUP BY 1
""")
_CREDITS_BY_DAY: Final = text("""
    SELECT CAST(floor(extract(epoch FROM asked_at) / 86400) AS integer) AS day, sum(charged) AS credits
    FROM reading_answers WHERE asked_at >= :since GROUP BY 1
""")
_CREDITS: Final = text("""
    SELECT
      (SELECT coalesce(sum(charged), 0) FROM reading_answers WHERE asked_at >= :since) AS used,
      (SELECT coalesce(sum(credits), 0) FROM credit_lots WHERE given_at >= :since
        AND NOT EXISTS (SELECT FROM credit_gifts WHERE id = order_line_id)) AS bought,
      (SELECT coalesce(sum(taken), 0) FROM credit_lots WHERE given_at >= :since) AS taken_back,
      (SELECT coalesce(sum(credits), 0) FROM credit_gifts WHERE given_at >= :since) AS gifted,
      (SELECT count(*) FROM free_cards WHERE turned_at >= :since) AS free_cards
""")
_ASKED: Final = text("SELECT count(*) FROM readings WHERE committed_at >= :early AND asked_at >= :since")
_ASKED_BETWEEN: Final = text("""
    SELECT width_bucket(asked_at, :starts) AS bucket, count(*) AS readings FROM readings
    WHERE asked_at >= :since GROUP BY 1
""").bindparams(bindparam("starts", type_=ARRAY(DateTime(timezone=True))))
# A question comes at the latest a day after its commitment.
_EARLIER: Final = timedelta(days=2)


async def count_asked(tx: Tx, since: datetime) -> int:
    """How many readings were asked for."""
    return int((await tx.execute(_ASKED, {"since": since, "early": since - _EARLIER})).scalar_one())


async def count_between(tx: Tx, starts: Sequence[datetime]) -> list[int]:
    """How many readings were asked for from each of ``starts`` (ascending) until the next, from the last until now."""
    rows = await tx.execute(_ASKED_BETWEEN, {"starts": list(starts), "since": starts[0]})
    asked = {row.bucket: row.readings for row in rows}
    return [asked.get(number, 0) for number in range(1, len(starts) + 1)]


async def list_days(tx: Tx, since: datetime) -> list[DayFigures]:
    """Each day from ``since`` to now, those without readings too, the latest first."""
    period = {"since": since, "early": since - _EARLIER}
    asked = {row.day: row for row in await tx.execute(_READINGS_BY_DAY, period)}
    used = {row.day: int(row.credits) for row in await tx.execute(_CREDITS_BY_DAY, {"since": since})}
    first, last = since.astimezone(UTC).date(), tx.now.astimezone(UTC).date()
    days = []
    for back in range((last - first).days + 1):
        day = last - timedelta(days=back)
        number = (day - _EPOCH).days
        row = asked.get(number)
        days.append(
            DayFigures(
                day=day,
                readings=row.readings if row else 0,
                free=row.free if row else 0,
                credits=used.get(number, 0),
            )
        )
    return days


async def sum_credits(tx: Tx, since: datetime) -> CreditFigures:
    """Where credits came from and where they went."""
    row = (await tx.execute(_CREDITS, {"since": since})).one()
    return CreditFigures(**{name: int(value) for name, value in row._mapping.items()})


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
