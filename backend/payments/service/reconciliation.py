"""Every provider compared with the books."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog

from backend.identity.types import Actor, Permission
from backend.infra import jobs
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Unavailable
from backend.kernel.ids import IntentId
from backend.payments import domain, rules
from backend.payments.ports import PaymentProvider
from backend.payments.repository import intents, reconciliations, refunds
from backend.payments.service.common import Providers, ref
from backend.payments.types import (
    CompareProvider,
    Difference,
    DifferenceKind,
    Intent,
    Outcome,
    ProviderState,
    Reconciliation,
    ReconciliationDiffered,
    Report,
)
from backend.wallet import domain as wallet

WINDOW: Final = timedelta(days=3)
"""How far back a comparison looks: three chances for each payment."""
COMPARE: Final = "payments.compare"
SIGNAL: Final = "reconciliation"
"""The signal's topic of a comparison that was made; its key is ALL."""
ALL: Final = "all"
_MOST: Final = 10_000
_LISTED: Final = 50
log = structlog.get_logger(__name__)


class ReconciliationService:
    """Compares the providers that are on with the books."""

    def __init__(self, *, uow: UnitOfWork, providers: Providers) -> None:
        self._uow = uow
        self._providers = providers

    async def latest(self, actor: Actor) -> list[Reconciliation]:
        """The latest comparisons. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await reconciliations.list_reconciliations(tx, _LISTED)

    async def ask(self, actor: Actor) -> None:
        """Have the worker compare every provider that is not about to be compared. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            waiting = await self._waiting(tx)
            for way in self._providers:
                if way not in waiting:
                    tx.enqueue(COMPARE, CompareProvider(way))

    async def waiting(self, actor: Actor) -> list[str]:
        """The ways whose comparison was asked for and is still to come. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return sorted(await self._waiting(tx))

    async def _waiting(self, tx: Tx) -> set[str]:
        # A comparison that is kept is done, though its job may not know it yet.
        done = {one.way: one.at for one in reversed(await reconciliations.list_reconciliations(tx, _LISTED))}
        asked = [(str(payload["way"]), at) for payload, at in await jobs.list_open(tx, COMPARE)]
        return {way for way, at in asked if way not in done or done[way] < at}

    async def compare(self, asked: CompareProvider) -> None:
        """Task: compare one provider; one that was switched off meanwhile is passed over."""
        provider = self._providers.get(asked.way)
        if provider is not None:
            await self._compare(provider)

    async def run(self, actor: Actor) -> list[Reconciliation]:
        """Compare every provider now. Needs the permission for money."""
        actor.require(Permission.MONEY)
        return await self.run_all()

    async def run_all(self) -> list[Reconciliation]:
        """Timer: compare every provider over the last three days."""
        return [await self._compare(provider) for provider in self._providers.values()]

    async def glance(self) -> None:
        """Timer: take in what came lately by ways where money may name no payment, without waiting for the night.

        A way that does not answer is passed over: it is asked again soon.
        """
        for way, provider in self._providers.items():
            if not (back := provider.capabilities.glance_seconds):
                continue
            async with self._uow.read() as tx:
                now = tx.now
            try:
                reports = await provider.statement(now - timedelta(seconds=back), now)
            except Unavailable as failure:
                log.warning("payments.provider_down", provider=way, error=str(failure))
                continue
            for report in reports or []:
                await self._compare_one(way, report)

    async def _compare(self, provider: PaymentProvider) -> Reconciliation:
        async with self._uow.read() as tx:
            until = tx.now
            ours = await intents.list_by(tx, way=provider.name, since=until - WINDOW, until=until, limit=_MOST)
        since, error = until - WINDOW, ""
        reports: list[Report] = []
        listed = False
        try:
            statement = await provider.statement(since, until)
            listed = statement is not None
            reports = statement or []
            # Lists are late (PayPal's by three hours): what they do not name yet is asked for by itself.
            reports = reports + await self._ask_each(provider, _absent(ours, reports) if listed else ours)
        except Unavailable as failure:
            error = str(failure) or type(failure).__name__
        differences: list[Difference] = []
        named: set[IntentId] = set()
        for report in reports:
            intent, found = await self._compare_one(provider.name, report)
            differences += found
            if intent is not None and (report.received is not None or report.refunded is not None):
                named.add(intent.id)
        if listed:
            differences += [
                _difference(DifferenceKind.MISSING_THERE, str(intent.id), intent, intent.received.amount, 0)
                for intent in ours
                # One without a name of the provider's was given to a person by an admin: its message is the proof.
                if intent.received and intent.external_id is not None and intent.id not in named
            ]
        differences += await self._compare_ledger(provider.name)
        return await self._keep(provider.name, since, until, len(reports), differences, error)

    async def _ask_each(self, provider: PaymentProvider, ours: Iterable[Intent]) -> list[Report]:
        """What the provider says of each payment: for one that has no list of all."""
        answers = []
        for intent in ours:
            if intent.external_id is not None:
                async with self._uow.read() as tx:
                    reference = await ref(tx, intent)
                answers.append(await provider.status(reference))
        return [answer for answer in answers if answer is not None]

    @retry_conflicts
    async def _compare_one(self, way: str, report: Report) -> tuple[Intent | None, list[Difference]]:
        """What the provider says of one payment; news that never reached us is taken in now, by the usual road."""
        async with self._uow() as tx:
            before = await intents.lock_reported(tx, way, report)
            outcome = await domain.apply(tx, way, report)
        subject = str(before.id) if before else report.external_id or report.event_id
        money = report.received or report.refunded
        settled = outcome not in {Outcome.APPLIED, Outcome.UNMATCHED}
        # Whatever the state: a chain may have taken everything back.
        if settled and before is not None and report.received is not None and report.received < before.received:
            return before, [
                _difference(DifferenceKind.AMOUNT, subject, before, before.received.amount, report.received.amount)
            ]
        if settled or money is None:
            return before, []
        refund = report.state is ProviderState.REFUNDED
        ours = 0 if before is None else (rules.known_back(before) if refund else before.received).amount
        kind = DifferenceKind.REFUND if refund else DifferenceKind.MISSING_HERE
        return before, [Difference(kind=kind, subject=subject, asset=money.currency, ours=ours, theirs=money.amount)]

    async def _compare_ledger(self, way: str) -> list[Difference]:
        async with self._uow() as tx:
            books = {
                item.balance.currency: -item.balance.amount
                for item in await wallet.house_balances(tx)
                if item.name == f"provider:{way}"
            }
            paid = await intents.sum_net(tx, way)
            on_the_way = await refunds.sum_pending(tx, way)
        wanted = {asset: paid.get(asset, 0) + on_the_way.get(asset, 0) for asset in {*books, *paid, *on_the_way}}
        return [
            Difference(
                kind=DifferenceKind.LEDGER,
                subject=f"provider:{way}",
                asset=asset,
                ours=books.get(asset, 0),
                theirs=amount,
            )
            for asset, amount in sorted(wanted.items())
            if books.get(asset, 0) != amount
        ]

    async def _keep(
        self, way: str, since: datetime, until: datetime, checked: int, differences: list[Difference], error: str
    ) -> Reconciliation:
        async with self._uow() as tx:
            done = Reconciliation(
                id=tx.new_id(),
                way=way,
                since=since,
                until=until,
                checked=checked,
                differences=differences,
                error=error,
                at=tx.now,
            )
            await reconciliations.add_reconciliation(tx, done)
            tx.signal(SIGNAL, ALL)
            if differences:
                log.warning("payments.differ", provider=way, differences=len(differences))
                tx.emit(ReconciliationDiffered(reconciliation_id=done.id, way=way, differences=len(differences)))
        return done


def _absent(ours: Iterable[Intent], reports: Iterable[Report]) -> list[Intent]:
    """The payments with money that no report speaks of."""
    told = {name for report in reports for name in (report.intent_id, report.external_id) if name is not None}
    return [intent for intent in ours if intent.received and not {intent.id, intent.external_id} & told]


def _difference(kind: DifferenceKind, subject: str, intent: Intent, ours: int, theirs: int) -> Difference:
    return Difference(kind=kind, subject=subject, asset=intent.payable.currency, ours=ours, theirs=theirs)
