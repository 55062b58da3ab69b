"""Pure decisions of the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from backend.infra.formatting import timezone
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.text import fold
from backend.wallet.errors import IdempotencyConflict
from backend.wallet.types import HistoryRow, NewTransfer, PostedTransfer

MAX_TRANSFER: Final = 10**15
"""The largest transfer in minor units: far above any sale, far below what would make a BIGINT balance overflow."""
MAX_KEY: Final = 200
MAX_REASON: Final = 500

_YEARS: Final = range(2000, 9999)  # the month after the last must be a date too


def check(transfer: NewTransfer) -> None:
    """Raises ValueError for a transfer that is a mistake of the caller."""
    if not 0 < transfer.amount.amount <= MAX_TRANSFER:
        raise ValueError("a transfer moves a positive amount of at most 10**15 minor units")
    if transfer.debit == transfer.credit:
        raise ValueError("a transfer needs two accounts")
    if not 0 < len(transfer.idempotency_key) <= MAX_KEY:
        raise ValueError("an idempotency key has 1 to 200 characters")


def check_replay(asked: NewTransfer, posted: PostedTransfer) -> None:
    """Raises IdempotencyConflict unless ``posted`` is what is asked for again."""
    same = (asked.kind, asked.debit, asked.credit, asked.amount)
    if same != (posted.kind, posted.debit, posted.credit, posted.amount):
        raise IdempotencyConflict(f"{asked.idempotency_key} was used for another transfer")


def check_reason(reason: str) -> str:
    """An admin's reason, tidied. Raises Invalid when there is none, or too much of it."""
    words = fold(reason)
    if not words:
        raise Invalid("no reason", fields={"reason": "required"})
    if len(words) > MAX_REASON:
        raise Invalid("a long reason", fields={"reason": "too_long"})
    return words


def check_adjustment(amount: Money, currency: str, reason: str) -> str:
    """The reason of an adjustment, tidied. Raises Invalid unless ``amount`` and ``reason`` are acceptable."""
    if amount.currency != currency:
        raise Invalid("another currency", fields={"amount": "wrong_currency"})
    if not 0 < abs(amount.amount) <= MAX_TRANSFER:
        raise Invalid(f"an adjustment by {amount.amount}", fields={"amount": "out_of_range"})
    return check_reason(reason)


def month_bounds(month: str, zone: str) -> tuple[datetime, datetime]:
    """The first moment of ``month`` (``2026-11``) and of the next, in UTC. Raises Invalid for another form."""
    year, dash, number = month.partition("-")
    if not (dash and len(year) == 4 and len(number) == 2 and (year + number).isascii() and (year + number).isdigit()):
        raise Invalid(f"not a month: {month!r}", fields={"month": "bad_month"})
    if int(year) not in _YEARS or int(number) not in range(1, 13):
        raise Invalid(f"not a month: {month!r}", fields={"month": "bad_month"})
    there = timezone(zone)
    start = datetime(int(year), int(number), 1, tzinfo=there)
    end = datetime(int(year) + int(number) // 12, int(number) % 12 + 1, 1, tzinfo=there)
    return start.astimezone(UTC), end.astimezone(UTC)


def months_between(first: datetime, last: datetime, zone: str) -> list[str]:
    """The months from ``first`` to ``last`` as ``2026-11``, the latest first."""
    there = timezone(zone)
    start, end = first.astimezone(there), last.astimezone(there)
    low, high = start.year * 12 + start.month - 1, end.year * 12 + end.month - 1
    return [f"{index // 12:04}-{index % 12 + 1:02}" for index in range(high, low - 1, -1)]


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """The first moment of ``day`` and of the next in the time zone, in UTC."""
    there = timezone(zone)
    start = datetime.combine(day, time(), there)
    end = datetime.combine(day + timedelta(days=1), time(), there)
    return start.astimezone(UTC), end.astimezone(UTC)


def day_sums(rows: Iterable[HistoryRow], currency: str, zone: str) -> dict[date, int]:
    """The sum of the changes in ``currency``, in minor units, for each day that ``rows`` touch, in their order."""
    there = timezone(zone)
    sums: dict[date, int] = {}
    for row in rows:
        day = row.at.astimezone(there).date()
        sums[day] = sums.get(day, 0) + (row.amount.amount if row.amount.currency == currency else 0)
    return sums
