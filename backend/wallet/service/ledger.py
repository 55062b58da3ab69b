"""The ledger as a whole: its proof, the shop's own accounts, and their balances kept current."""

from __future__ import annotations

from collections.abc import Callable

from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.wallet import domain
from backend.wallet.repository import ledger
from backend.wallet.types import Difference, LedgerReport, Problem, ShopBalance

Progress = Callable[[int, int], None]
"""Called with the number of steps done and the number of all steps."""


class LedgerService:
    """Verifies the ledger and reads the shop's accounts."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def shop_accounts(self, actor: Actor) -> list[ShopBalance]:
        """The balance of each shop account. Raises Forbidden without the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await domain.shop_balances(tx)

    async def verify(self, actor: Actor, progress: Progress | None = None) -> LedgerReport:
        """Verify the whole ledger as of one moment, without locking anybody out.

        Raises Forbidden without the permission for money.
        """
        actor.require(Permission.MONEY)
        tell = progress or (lambda _done, _all: None)
        steps = len(Problem) + 1
        problems: dict[Problem, int] = {}
        differences: list[Difference] = []
        async with self._uow() as tx:
            await ledger.begin_snapshot(tx)
            tell(0, steps)
            counts = await ledger.get_counts(tx)
            totals = await ledger.list_totals(tx)
            for done, problem in enumerate(Problem, start=1):
                tell(done, steps)
                listed, count = await ledger.list_differences(tx, problem)
                if count:
                    problems[problem] = count
                    differences += listed
            tell(steps, steps)
            return LedgerReport(
                at=tx.now,
                transfers=counts.transfers,
                legs=counts.legs,
                accounts=counts.accounts,
                waiting=counts.waiting,
                totals=totals,
                problems=problems,
                differences=differences,
            )

    @retry_conflicts
    async def roll_up(self) -> int:
        """Add all pending legs to the shop accounts' rolled-up balances, a batch a transaction; returns how many."""
        done = 0
        while True:
            async with self._uow() as tx:
                count = await domain.roll_up(tx)
            done += count
            if not count:
                return done
