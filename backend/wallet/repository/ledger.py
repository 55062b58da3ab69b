"""The SQL that verifies the ledger: each check is one statement, which returns only differences."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import TextClause, text

from backend.infra.unit_of_work import Tx
from backend.wallet.types import Difference, Problem

_LISTED: Final = 100


async def begin_snapshot(tx: Tx) -> None:
    """Let every following statement of ``tx`` see one moment, and write nothing; must be the transaction's first."""
    await tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    # Verifying a large ledger takes long, and may use memory for it.
    await tx.execute(text("SET LOCAL statement_timeout = 0"))
    await tx.execute(text("SET LOCAL work_mem = '64MB'"))


_COUNTS = text("""
SELECT (SELECT count(*) FROM ledger_transfers) AS transfers, (SELECT count(*) FROM ledger_legs) AS legs,
       (SELECT count(*) FROM ledger_accounts) AS accounts, (SELECT count(*) FROM ledger_waiting) AS waiting""")
_TOTALS = text("""
SELECT asset, sum(balance) AS total FROM ledger_accounts WHERE user_id IS NOT NULL GROUP BY asset ORDER BY asset""")


class Counts(msgspec.Struct, frozen=True):
    """How many rows the ledger has."""

    transfers: int
    legs: int
    accounts: int
    waiting: int
    """Legs of the shop's accounts that are not rolled up yet."""


async def get_counts(tx: Tx) -> Counts:
    """How many rows the ledger has, all tables counted in full."""
    return Counts(**(await tx.execute(_COUNTS)).mappings().one())


async def list_totals(tx: Tx) -> dict[str, int]:
    """The sum of people's balances in each asset, in minor units."""
    return {row.asset: int(row.total) for row in await tx.execute(_TOTALS)}


# Each yields subject, asset, expected, actual.
_CHECKS: Final[dict[Problem, str]] = {
    Problem.UNBALANCED: """
        SELECT transfer_id AS subject, asset, 0 AS expected, sum(amount) AS actual
        FROM ledger_legs GROUP BY transfer_id, asset HAVING sum(amount) <> 0""",
    Problem.INCOMPLETE: """
        SELECT t.id AS subject, '' AS asset, 2 AS expected, count(l.transfer_id) AS actual
        FROM ledger_transfers t LEFT JOIN ledger_legs l ON l.transfer_id = t.id
        GROUP BY t.id HAVING count(l.transfer_id) < 2""",
    Problem.ORPHAN_LEG: """
        SELECT l.transfer_id AS subject, l.asset, 0 AS expected, l.amount AS actual
        FROM ledger_legs l
        LEFT JOIN ledger_transfers t ON t.id = l.transfer_id LEFT JOIN ledger_accounts a ON a.id = l.account_id
        WHERE t.id IS NULL OR a.id IS NULL""",
    Problem.WRONG_ASSET: """
        SELECT l.transfer_id AS subject, l.asset, 0 AS expected, l.amount AS actual
        FROM ledger_legs l JOIN ledger_accounts a ON a.id = l.account_id WHERE a.asset <> l.asset""",
    Problem.WRONG_BALANCE: """
        SELECT a.id AS subject, a.asset, coalesce(s.total, 0) AS expected, a.balance AS actual
        FROM ledger_accounts a
        LEFT JOIN (SELECT account_id, sum(amount) AS total FROM ledger_legs GROUP BY account_id) s
          ON s.account_id = a.id
        WHERE a.user_id IS NOT NULL AND (a.balance <> coalesce(s.total, 0) OR a.balance < 0)""",
    # A running balance must follow from the leg before; numbers must have no gap, and end where the account says.
    Problem.BROKEN_CHAIN: """
        SELECT c.transfer_id AS subject, c.asset, c.before + c.amount AS expected, c.balance_after AS actual
        FROM (
          SELECT transfer_id, asset, amount, balance_after, seq,
                 coalesce(lag(balance_after) OVER chain, 0) AS before, coalesce(lag(seq) OVER chain, 0) AS seq_before
          FROM ledger_legs WHERE seq IS NOT NULL WINDOW chain AS (PARTITION BY account_id ORDER BY at, seq)
        ) c
        WHERE c.balance_after <> c.before + c.amount OR c.seq <> c.seq_before + 1
        UNION ALL
        SELECT a.id, a.asset, a.seq, count(l.seq)
        FROM ledger_accounts a LEFT JOIN ledger_legs l ON l.account_id = a.id
        WHERE a.user_id IS NOT NULL GROUP BY a.id, a.asset, a.seq HAVING a.seq <> count(l.seq)
        UNION ALL
        SELECT l.transfer_id, l.asset, 0, l.amount
        FROM ledger_legs l JOIN ledger_accounts a ON a.id = l.account_id
        WHERE (a.user_id IS NULL) <> (l.seq IS NULL)""",
    Problem.WRONG_ROLLUP: """
        SELECT coalesce(s.account_id, c.account_id) AS subject, coalesce(s.asset, '') AS asset,
               coalesce(s.total, 0) AS expected, coalesce(c.total, 0) AS actual
        FROM (
          SELECT a.id AS account_id, a.asset, sum(l.amount) AS total, count(*) AS legs
          FROM ledger_legs l JOIN ledger_accounts a ON a.id = l.account_id
          WHERE a.user_id IS NULL GROUP BY a.id, a.asset
        ) s
        FULL JOIN (
          SELECT account_id, sum(total) AS total, sum(legs) AS legs FROM (
            SELECT account_id, balance AS total, legs FROM ledger_rollups
            UNION ALL SELECT account_id, amount, 1 FROM ledger_waiting) counted
          GROUP BY account_id
        ) c ON c.account_id = s.account_id
        WHERE coalesce(s.total, 0) <> coalesce(c.total, 0) OR coalesce(s.legs, 0) <> coalesce(c.legs, 0)""",
    Problem.ASSET_NOT_ZERO: """
        SELECT asset AS subject, asset, 0 AS expected, sum(amount) AS actual FROM (
          SELECT asset, balance AS amount FROM ledger_accounts WHERE user_id IS NOT NULL
          UNION ALL SELECT a.asset, r.balance FROM ledger_rollups r JOIN ledger_accounts a ON a.id = r.account_id
          UNION ALL SELECT a.asset, w.amount FROM ledger_waiting w JOIN ledger_accounts a ON a.id = w.account_id
        ) held GROUP BY asset HAVING sum(amount) <> 0""",
}


def _limited(check: str) -> TextClause:
    # The count of all differences comes along with the first hundred.
    return text(
        "SELECT CAST(subject AS text) AS subject, asset, expected, actual, count(*) OVER () AS all_of_them"  # noqa: S608
        f" FROM ({check}) AS difference ORDER BY subject, asset LIMIT {_LISTED}"
    )


_STATEMENTS: Final = {problem: _limited(check) for problem, check in _CHECKS.items()}


async def list_differences(tx: Tx, problem: Problem) -> tuple[list[Difference], int]:
    """The first hundred differences of the kind ``problem``, and how many there are in all."""
    rows = (await tx.execute(_STATEMENTS[problem])).all()
    differences = [Difference(problem, row.subject, row.asset, int(row.expected), int(row.actual)) for row in rows]
    return differences, rows[0].all_of_them if rows else 0
