"""Reconciliation: what providers report against the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from backend.identity.types import Actor, Permission
from backend.infra import jobs
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Unavailable
from backend.payments import domain, rules
from backend.payments.ports import PaymentProvider
from backend.payments.repository import events, intents, reconciliations, refunds
from backend.payments.service.common import Providers, ref
from backend.payments.types import (
    Difference,
    DifferenceKind,
    Intent,
    IntentId,
    Outcome,
    ProviderReport,
    ProviderState,
    ReconcileProvider,
    Reconciliation,
    ReconciliationDiffered,
    ReconciliationFailed,
)
from backend.wallet import domain as wallet

WINDOW: Final = timedelta(days=3)
"""How far back a reconciliation goes; each payment is in three daily ones."""
RECONCILE: Final = "payments.compare"
SIGNAL: Final = "reconciliation"
"""The topic of the signal that a reconciliation has ended; its key is ALL."""
ALL: Final = "all"
_MOST: Final = 10_000
_LATEST: Final = 50
_MAX_SILENT: Final = 3
log = structlog.get_logger(__name__)


class ReconciliationService:
    """Reconciles the enabled providers with the ledger."""

    def __init__(self, *, uow: UnitOfWork, providers: Providers) -> None:
        self._uow = uow
        self._providers = providers

    async def latest(self, actor: Actor) -> list[Reconciliation]:
        """The latest reconciliations. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await reconciliations.list_reconciliations(tx, _LATEST)

    async def request(self, actor: Actor) -> None:
        """Have the worker reconcile every provider without a pending request. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            waiting = await self._pending(tx)
            for method in self._providers:
                if method not in waiting:
                    tx.enqueue(RECONCILE, ReconcileProvider(method))

    async def pending(self, actor: Actor) -> list[str]:
        """The methods with a pending reconciliation request. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return sorted(await self._pending(tx))

    async def _pending(self, tx: Tx) -> set[str]:
        # A stored reconciliation is done, even if its job is not marked so yet.
        done = {one.method: one.at for one in reversed(await reconciliations.list_reconciliations(tx, _LATEST))}
        asked = [(str(payload["way"]), at) for payload, at in await jobs.list_open(tx, RECONCILE)]
        return {method for method, at in asked if method not in done or done[method] < at}

    async def reconcile(self, asked: ReconcileProvider) -> None:
        """Task: reconcile one provider; nothing if it was disabled in the meantime."""
        provider = self._providers.get(asked.method)
        if provider is not None:
            await self._reconcile(provider)

    async def reconcile_all(self) -> list[Reconciliation]:
        """Timer: reconcile every provider over the last three days; a failure is stored and stops no other."""
        done = []
        for provider in self._providers.values():
            try:
                done.append(await self._reconcile(provider))
            except Exception as error:
                log.exception("payments.compare_failed", provider=provider.name)
                done.append(await self._store(provider.name, 0, [], type(error).__name__))
        return done

    async def poll_statements(self) -> None:
        """Timer: apply recent statements of providers whose money may name no payment, between daily reconciliations.

        A provider that does not answer is skipped until the next run.
        """
        for method, provider in self._providers.items():
            if not (back := provider.capabilities.statement_lookback_seconds):
                continue
            async with self._uow.read() as tx:
                now = tx.now
            try:
                reports = await provider.statement(now - timedelta(seconds=back), now)
            except Unavailable as failure:
                log.warning("payments.provider_down", provider=method, error=str(failure))
                continue
            for report in reports or []:
                await self._reconcile_one(method, report)

    async def _reconcile(self, provider: PaymentProvider) -> Reconciliation:
        async with self._uow.read() as tx:
            until = tx.now
            since = until - WINDOW
            ours = await intents.list_by(tx, method=provider.name, since=since, until=until, limit=_MOST + 1)
            gone = await refunds.list_refunded_totals(tx, provider.name, since, _MOST)
            # Without pending refunds: what the provider must know when it is asked now.
            sent = [replace(await intents.get_intent(tx, name), refunded=money) for name, money in gone.items()]
        answers = await self._ask(provider, since, until, ours[:_MOST], sent)
        if len(ours) > _MOST and not answers.error:
            answers.error = f"more than {_MOST} payments: the earlier ones were not checked"
        differences: list[Difference] = []
        known: set[IntentId] = set()
        back: dict[IntentId, int] = {}
        for report in answers.reports:
            intent, of_report = await self._reconcile_one(provider.name, report)
            differences += of_report
            if intent is None:
                continue
            if report.received is not None or report.refunded is not None:
                known.add(intent.id)
            if report.refunded is not None and report.refunded.currency == intent.payable.currency:
                back[intent.id] = max(back.get(intent.id, 0), report.refunded.amount)
        known |= answers.named_by_charge(ours)
        differences += answers.missing(ours, known)
        differences += answers.refunds_missing(sent, back)
        differences += await self._reconcile_ledger(provider.name)
        unknown = answers.unknown(ours, known, sent, back)
        return await self._store(provider.name, len(answers.reports), differences, answers.error, until, len(unknown))

    async def _ask(
        self, provider: PaymentProvider, since: datetime, until: datetime, ours: list[Intent], sent: list[Intent]
    ) -> _Answers:
        """Collect the provider's reports: its statement, and its status of each payment that is not in it."""
        answers = _Answers()
        try:
            statement = await provider.statement(since, until)
        except Unavailable as failure:
            answers.error = str(failure) or type(failure).__name__
            return answers
        answers.listed = statement is not None
        answers.reports += statement or []
        # Statements are late (PayPal's by three hours): ask about each payment that they do not have yet.
        asked = {intent.id: intent for intent in (_absent(ours, answers.reports) if answers.listed else ours)}
        refunds_reported = [report for report in answers.reports if report.refunded is not None]
        asked |= {intent.id: intent for intent in _absent(sent, refunds_reported)}
        await self._ask_each(provider, asked.values(), answers)
        return answers

    async def _ask_each(self, provider: PaymentProvider, asked: Iterable[Intent], answers: _Answers) -> None:
        """Ask for the status of each payment; those without an answer become ``silent``."""
        for intent in asked:
            if intent.external_id is None:
                continue
            if len(answers.silent) >= _MAX_SILENT:
                answers.silent.add(intent.id)
                continue
            async with self._uow.read() as tx:
                reference = await ref(tx, intent)
            try:
                answer = await provider.status(reference)
            except Unavailable as failure:
                answers.error = str(failure) or type(failure).__name__
                answers.silent.add(intent.id)
            else:
                answers.reports += [answer] if answer is not None else []

    @retry_conflicts
    async def _reconcile_one(self, method: str, report: ProviderReport) -> tuple[Intent | None, list[Difference]]:
        """Compare one report with the ledger; a report that never arrived is applied now, as any other."""
        async with self._uow() as tx:
            before = await intents.lock_reported(tx, method, report)
            outcome = await domain.apply(tx, method, report)
            # An unmatched event stays a difference until an admin has handled it.
            if outcome is Outcome.DUPLICATE and await events.is_unmatched(tx, method, report.event_id):
                outcome = Outcome.UNMATCHED
        judge = _refund_differences if report.state is ProviderState.REFUNDED else _payment_differences
        return before, judge(before, report, outcome)

    async def _reconcile_ledger(self, method: str) -> list[Difference]:
        async with self._uow() as tx:
            await wallet.begin_snapshot(tx)  # people pay in the meantime
            ledger = {
                item.balance.currency: -item.balance.amount
                for item in await wallet.shop_balances(tx)
                if item.name == f"provider:{method}"
            }
            paid = await intents.sum_net(tx, method)
            pending = await refunds.sum_pending(tx, method)
        expected = {asset: paid.get(asset, 0) + pending.get(asset, 0) for asset in {*ledger, *paid, *pending}}
        return [
            Difference(
                kind=DifferenceKind.LEDGER,
                subject=f"provider:{method}",
                asset=asset,
                ours=ledger.get(asset, 0),
                theirs=amount,
            )
            for asset, amount in sorted(expected.items())
            if ledger.get(asset, 0) != amount
        ]

    async def _store(
        self,
        method: str,
        checked: int,
        differences: list[Difference],
        error: str,
        until: datetime | None = None,
        unknown: int = 0,
    ) -> Reconciliation:
        async with self._uow() as tx:
            until = until or tx.now
            done = Reconciliation(
                id=tx.new_id(),
                method=method,
                since=until - WINDOW,
                until=until,
                checked=checked,
                differences=differences,
                error=error,
                at=tx.now,
                unknown=unknown,
            )
            await reconciliations.add_reconciliation(tx, done)
            tx.signal(SIGNAL, ALL)
            if differences:
                log.warning("payments.differ", provider=method, differences=len(differences))
                tx.emit(ReconciliationDiffered(reconciliation_id=done.id, method=method, differences=len(differences)))
            if error:
                log.warning("payments.not_compared", provider=method, error=error)
                tx.emit(ReconciliationFailed(reconciliation_id=done.id, method=method))
        return done


class _Answers(msgspec.Struct):
    """A provider's answers: ``listed``: whether it has a statement; ``silent``: payments without an answer."""

    reports: list[ProviderReport] = []
    listed: bool = False
    silent: set[IntentId] = set()
    error: str = ""

    def named_by_charge(self, ours: Iterable[Intent]) -> set[IntentId]:
        """The assigned unmatched payments whose money the provider reported; it knows no payment id of theirs."""
        reported = {report.charge_id for report in self.reports if report.charge_id is not None}
        return {intent.id for intent in ours if intent.external_id is None and intent.charge_id in reported}

    def unknown(
        self, ours: Iterable[Intent], known: set[IntentId], sent: Iterable[Intent], back: Mapping[IntentId, int]
    ) -> set[IntentId]:
        """The payments with money or refunds that the provider neither confirmed nor denied."""

        def denied(intent: Intent) -> bool:  # missing in the statement, and not found when asked
            return self.listed and intent.id not in self.silent

        came = {
            intent.id
            for intent in ours
            if intent.received and intent.id not in known and (intent.external_id is None or not denied(intent))
        }
        return came | {
            intent.id for intent in sent if rules.known_refund(intent) and intent.id not in back and not denied(intent)
        }

    def missing(self, ours: Iterable[Intent], known: set[IntentId]) -> list[Difference]:
        """Differences: payments with money that the provider does not know."""
        return [
            _difference(DifferenceKind.MISSING_THERE, str(intent.id), intent, intent.received.amount, 0)
            for intent in ours
            # One without the provider's id is an assigned unmatched payment, proved by its event.
            if self.listed and intent.received and intent.external_id is not None
            if intent.id not in known and intent.id not in self.silent
        ]

    def refunds_missing(self, sent: Iterable[Intent], back: Mapping[IntentId, int]) -> list[Difference]:
        """Differences: payments with smaller refunds at the provider than it confirmed before."""
        return [
            _difference(DifferenceKind.REFUND, str(intent.id), intent, ours, back.get(intent.id, 0))
            for intent in sent
            # Without a statement, a missing refund says nothing.
            if intent.id in back or (self.listed and intent.id not in self.silent)
            if (ours := rules.known_refund(intent).amount) > back.get(intent.id, 0)
        ]


def _payment_differences(before: Intent | None, report: ProviderReport, outcome: Outcome) -> list[Difference]:
    if report.received is None:
        return []
    subject = str(before.id) if before else report.external_id or report.event_id
    theirs, asset = report.received.amount, report.received.currency
    if outcome in {Outcome.APPLIED, Outcome.UNMATCHED}:
        ours = before.received.amount if before else 0
        return [Difference(kind=DifferenceKind.MISSING_HERE, subject=subject, asset=asset, ours=ours, theirs=theirs)]
    # In any state: after a reorganisation a chain may have lost everything.
    if before is not None and asset == before.received.currency and theirs < before.received.amount:
        return [_difference(DifferenceKind.AMOUNT, subject, before, before.received.amount, theirs)]
    return []


def _refund_differences(before: Intent | None, report: ProviderReport, outcome: Outcome) -> list[Difference]:
    """Compare refund totals: a report that looked like a refund of this shop may have been another."""
    if report.refunded is None:
        return []
    subject = str(before.id) if before else report.external_id or report.event_id
    theirs, asset = report.refunded.amount, report.refunded.currency
    ours = 0
    if before is not None and before.credited and asset == before.payable.currency:
        if not rules.unbooked_refund(before, report.refunded):
            return []
        ours = rules.known_refund(before).amount
    elif outcome is not Outcome.UNMATCHED:
        return []
    return [Difference(kind=DifferenceKind.REFUND, subject=subject, asset=asset, ours=ours, theirs=theirs)]


def _absent(ours: Iterable[Intent], reports: Iterable[ProviderReport]) -> list[Intent]:
    """The payments with money that no report is about."""
    reported = {
        name
        for report in reports
        for name in (report.intent_id, report.external_id, report.charge_id)
        if name is not None
    }
    return [
        intent
        for intent in ours
        if intent.received and not {intent.id, intent.external_id, intent.charge_id} & reported
    ]


def _difference(kind: DifferenceKind, subject: str, intent: Intent, ours: int, theirs: int) -> Difference:
    return Difference(kind=kind, subject=subject, asset=intent.payable.currency, ours=ours, theirs=theirs)
