"""Every provider compared with the books."""

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
"""How far back a comparison looks: three chances for each payment."""
RECONCILE: Final = "payments.compare"
SIGNAL: Final = "reconciliation"
"""The signal's topic of a comparison that was made; its key is ALL."""
ALL: Final = "all"
_MOST: Final = 10_000
_LISTED: Final = 50
_PATIENCE: Final = 3
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

    async def request(self, actor: Actor) -> None:
        """Have the worker compare every provider that is not about to be compared. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            waiting = await self._pending(tx)
            for method in self._providers:
                if method not in waiting:
                    tx.enqueue(RECONCILE, ReconcileProvider(method))

    async def pending(self, actor: Actor) -> list[str]:
        """The ways whose comparison was asked for and is still to come. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return sorted(await self._pending(tx))

    async def _pending(self, tx: Tx) -> set[str]:
        # A comparison that is kept is done, though its job may not know it yet.
        done = {one.method: one.at for one in reversed(await reconciliations.list_reconciliations(tx, _LISTED))}
        asked = [(str(payload["way"]), at) for payload, at in await jobs.list_open(tx, RECONCILE)]
        return {method for method, at in asked if method not in done or done[method] < at}

    async def reconcile(self, asked: ReconcileProvider) -> None:
        """Task: compare one provider; one that was switched off meanwhile is passed over."""
        provider = self._providers.get(asked.method)
        if provider is not None:
            await self._reconcile(provider)

    async def reconcile_all(self) -> list[Reconciliation]:
        """Timer: compare every provider over the last three days; one that fails is told and stops no other."""
        done = []
        for provider in self._providers.values():
            try:
                done.append(await self._reconcile(provider))
            except Exception as error:
                log.exception("payments.compare_failed", provider=provider.name)
                done.append(await self._keep(provider.name, 0, [], type(error).__name__))
        return done

    async def poll_statements(self) -> None:
        """Timer: take in what came lately by ways where money may name no payment, without waiting for the night.

        A way that does not answer is passed over: it is asked again soon.
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
            # As they would be if nothing was on its way: what the provider must know of when it is asked now.
            sent = [replace(await intents.get_intent(tx, name), refunded=money) for name, money in gone.items()]
        heard = await self._ask(provider, since, until, ours[:_MOST], sent)
        if len(ours) > _MOST and not heard.error:
            heard.error = f"more than {_MOST} payments: the earlier ones were not compared"
        differences: list[Difference] = []
        known: set[IntentId] = set()
        back: dict[IntentId, int] = {}
        for report in heard.reports:
            intent, found = await self._reconcile_one(provider.name, report)
            differences += found
            if intent is None:
                continue
            if report.received is not None or report.refunded is not None:
                known.add(intent.id)
            if report.refunded is not None and report.refunded.currency == intent.payable.currency:
                back[intent.id] = max(back.get(intent.id, 0), report.refunded.amount)
        known |= heard.named_by_charge(ours)
        differences += heard.missing(ours, known)
        differences += heard.not_back(sent, back)
        differences += await self._reconcile_ledger(provider.name)
        unknown = heard.unknown(ours, known, sent, back)
        return await self._keep(provider.name, len(heard.reports), differences, heard.error, until, len(unknown))

    async def _ask(
        self, provider: PaymentProvider, since: datetime, until: datetime, ours: list[Intent], sent: list[Intent]
    ) -> _Heard:
        """All that the provider says of a period: its list, and what it says of each payment that is not in it."""
        heard = _Heard()
        try:
            statement = await provider.statement(since, until)
        except Unavailable as failure:
            heard.error = str(failure) or type(failure).__name__
            return heard
        heard.listed = statement is not None
        heard.reports += statement or []
        # Lists are late (PayPal's by three hours): what they do not name yet is asked for by itself.
        asked = {intent.id: intent for intent in (_absent(ours, heard.reports) if heard.listed else ours)}
        told = [report for report in heard.reports if report.refunded is not None]
        asked |= {intent.id: intent for intent in _absent(sent, told)}
        await self._ask_each(provider, asked.values(), heard)
        return heard

    async def _ask_each(self, provider: PaymentProvider, asked: Iterable[Intent], heard: _Heard) -> None:
        """What the provider says of each payment; without an answer nothing is known of one."""
        for intent in asked:
            if intent.external_id is None:
                continue
            if len(heard.silent) >= _PATIENCE:
                heard.silent.add(intent.id)
                continue
            async with self._uow.read() as tx:
                reference = await ref(tx, intent)
            try:
                answer = await provider.status(reference)
            except Unavailable as failure:
                heard.error = str(failure) or type(failure).__name__
                heard.silent.add(intent.id)
            else:
                heard.reports += [answer] if answer is not None else []

    @retry_conflicts
    async def _reconcile_one(self, method: str, report: ProviderReport) -> tuple[Intent | None, list[Difference]]:
        """What the provider says of one payment; news that never reached us is taken in now, by the usual road."""
        async with self._uow() as tx:
            before = await intents.lock_reported(tx, method, report)
            outcome = await domain.apply(tx, method, report)
            # What waits for an admin differs night after night, until he has looked.
            if outcome is Outcome.DUPLICATE and await events.is_unmatched(tx, method, report.event_id):
                outcome = Outcome.UNMATCHED
        judge = _judge_back if report.state is ProviderState.REFUNDED else _judge_received
        return before, judge(before, report, outcome)

    async def _reconcile_ledger(self, method: str) -> list[Difference]:
        async with self._uow() as tx:
            await wallet.begin_snapshot(tx)  # people pay meanwhile
            books = {
                item.balance.currency: -item.balance.amount
                for item in await wallet.house_balances(tx)
                if item.name == f"provider:{method}"
            }
            paid = await intents.sum_net(tx, method)
            on_the_way = await refunds.sum_pending(tx, method)
        wanted = {asset: paid.get(asset, 0) + on_the_way.get(asset, 0) for asset in {*books, *paid, *on_the_way}}
        return [
            Difference(
                kind=DifferenceKind.LEDGER,
                subject=f"provider:{method}",
                asset=asset,
                ours=books.get(asset, 0),
                theirs=amount,
            )
            for asset, amount in sorted(wanted.items())
            if books.get(asset, 0) != amount
        ]

    async def _keep(
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


class _Heard(msgspec.Struct):
    """What a provider said: ``listed``, whether it has a list of all; ``silent``, of what it gave no answer."""

    reports: list[ProviderReport] = []
    listed: bool = False
    silent: set[IntentId] = set()
    error: str = ""

    def named_by_charge(self, ours: Iterable[Intent]) -> set[IntentId]:
        """The payments that an admin gave to somebody: the provider knows their money, and no payment of ours."""
        told = {report.charge_id for report in self.reports if report.charge_id is not None}
        return {intent.id for intent in ours if intent.external_id is None and intent.charge_id in told}

    def unknown(
        self, ours: Iterable[Intent], known: set[IntentId], sent: Iterable[Intent], back: Mapping[IntentId, int]
    ) -> set[IntentId]:
        """The payments about whose money, or about whose refund, the provider said nothing: neither yes nor no."""

        def denied(intent: Intent) -> bool:  # its silence counts: it has a list, and was asked besides
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
        """The payments with money that the provider does not know."""
        return [
            _difference(DifferenceKind.MISSING_THERE, str(intent.id), intent, intent.received.amount, 0)
            for intent in ours
            # One without a name of the provider's was given to a person by an admin: its message is the proof.
            if self.listed and intent.received and intent.external_id is not None
            if intent.id not in known and intent.id not in self.silent
        ]

    def not_back(self, sent: Iterable[Intent], back: Mapping[IntentId, int]) -> list[Difference]:
        """The payments of which less has gone back, as the provider tells, than it has confirmed to us."""
        return [
            _difference(DifferenceKind.REFUND, str(intent.id), intent, ours, back.get(intent.id, 0))
            for intent in sent
            # Where there is no list, silence about refunds says nothing.
            if intent.id in back or (self.listed and intent.id not in self.silent)
            if (ours := rules.known_refund(intent).amount) > back.get(intent.id, 0)
        ]


def _judge_received(before: Intent | None, report: ProviderReport, outcome: Outcome) -> list[Difference]:
    if report.received is None:
        return []
    subject = str(before.id) if before else report.external_id or report.event_id
    theirs, asset = report.received.amount, report.received.currency
    if outcome in {Outcome.APPLIED, Outcome.UNMATCHED}:
        ours = before.received.amount if before else 0
        return [Difference(kind=DifferenceKind.MISSING_HERE, subject=subject, asset=asset, ours=ours, theirs=theirs)]
    # Whatever the state: a chain may have taken everything back.
    if before is not None and asset == before.received.currency and theirs < before.received.amount:
        return [_difference(DifferenceKind.AMOUNT, subject, before, before.received.amount, theirs)]
    return []


def _judge_back(before: Intent | None, report: ProviderReport, outcome: Outcome) -> list[Difference]:
    """By the amounts: a refund that looked like one of ours when it was told may have been another."""
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
    """The payments with money that no report speaks of."""
    told = {
        name
        for report in reports
        for name in (report.intent_id, report.external_id, report.charge_id)
        if name is not None
    }
    return [
        intent for intent in ours if intent.received and not {intent.id, intent.external_id, intent.charge_id} & told
    ]


def _difference(kind: DifferenceKind, subject: str, intent: Intent, ours: int, theirs: int) -> Difference:
    return Difference(kind=kind, subject=subject, asset=intent.payable.currency, ours=ours, theirs=theirs)
