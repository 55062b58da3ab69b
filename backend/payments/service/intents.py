"""Start payments, poll providers, and apply their reports."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from backend.identity.types import Actor, Permission
from backend.infra.failpoints import failpoint
from backend.infra.jobs import RetryLater
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import AppError, Invalid, NotFound, Unavailable
from backend.kernel.ids import OrderId
from backend.kernel.money import Money
from backend.payments import domain, rules
from backend.payments.errors import PaymentClosed
from backend.payments.ports import PaymentProvider
from backend.payments.repository import calls, intents
from backend.payments.service.common import Providers, ref
from backend.payments.types import (
    Capabilities,
    Intent,
    IntentId,
    IntentStatus,
    Outcome,
    PaymentRef,
    PollIntent,
    ProviderReport,
    SubscriptionId,
    TopUpLimits,
)

POLL: Final = "payments.poll"
_LEASE: Final = timedelta(seconds=30)
_SOONEST: Final = timedelta(seconds=1)
_OVERDUE: Final = timedelta(seconds=30)
_SWEEP_LIMIT: Final = 100
_PARALLEL_POLLS: Final = 5
_ASKED_AT_ONCE: Final = 3
"""Polls of one provider side by side in one process. A provider that is slow, or lets nobody ask twice a second, would
else take every place of the worker, and keep what others have paid for waiting."""
_BUSY_SECONDS: Final = 3.0
_MAX_KEY: Final = 200
_MAX_TITLE: Final = 200
log = structlog.get_logger(__name__)


class IntentsService:
    """Starts payments, polls their providers and applies what the providers report."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        providers: Iterable[PaymentProvider],
        limits: Live[TopUpLimits],
    ) -> None:
        self._uow = uow
        self._providers: Providers = {provider.name: provider for provider in providers}
        self._limits = limits
        self._asking: Counter[str] = Counter()
        self._currency = limits().minimum.currency

    async def start_top_up(
        self,
        actor: Actor,
        method: str,
        amount: Money,
        order_id: OrderId | None = None,
        *,
        idempotency_key: str,
        until: datetime | None = None,
        title: str = "",
        instead: IntentId | None = None,
        subscription_id: SubscriptionId | None = None,
    ) -> Intent:
        """Start a payment into the actor's wallet; the same key again returns the same payment, until it has ended.

        Its lifetime is the provider's, and ends by ``until``, the end of the order's reservation. It replaces the
        order's open payments and ``instead``: they are cancelled unless money arrived. ``title`` is what is bought, for
        the invoice. With ``subscription_id`` it renews itself, at this price. Raises Invalid for a method or an amount
        that is not offered, PaymentConflict for a key of another payment, Unavailable when the provider does not
        answer (a later try or the worker then opens the payment).
        """
        provider = self._providers.get(method)
        if provider is None or not rules.serves(provider.capabilities, self._currency):
            raise Invalid(f"no payment method called {method!r}", fields={"method": "unknown_method"})
        if not 0 < len(idempotency_key) <= _MAX_KEY:
            raise Invalid("the key is empty or too long", fields={"idempotency_key": "bad_key"})
        can = provider.capabilities
        if subscription_id is None:
            rules.check_amount(amount, *rules.bounds(self._limits(), can))
        else:
            rules.check_renewal(amount, can)
        async with self._uow() as tx:
            lifetime = timedelta(seconds=can.lifetime_seconds)
            if until is not None:
                lifetime = min(lifetime, until - tx.now)
            first_poll = min(rules.poll_delay(0, can), lifetime)
            if order_id is not None:
                await intents.lock_methods(tx, order_id)
            intent, fresh, key = None, False, idempotency_key
            while intent is None or (rules.ended_unpaid(intent, tx.now) and not fresh):
                if intent is not None:
                    key = f"{idempotency_key}:{intent.number}"
                intent, fresh = await intents.add_intent(
                    tx,
                    user_id=actor.id,
                    method=method,
                    amount=amount,
                    payable=rules.payable_of(amount, can),
                    order_id=order_id,
                    title=title[:_MAX_TITLE],
                    idempotency_key=key,
                    lifetime=lifetime,
                    lease=_LEASE,
                    next_poll=first_poll,
                    subscription_id=subscription_id,
                )
                rules.check_same(intent, method, amount, order_id)
            for replaced in await intents.cancel_others(tx, intent, instead):
                tx.signal(domain.SIGNAL, replaced)
            if fresh:
                tx.enqueue(POLL, PollIntent(intent.id, 0), delay=first_poll, unique_key=_poll_key(intent.id, 0))
        return await self._open(intent, leased=fresh)

    async def intent(self, actor: Actor, intent_id: IntentId) -> Intent:
        """The actor's payment. Raises NotFound, also for somebody else's."""
        async with self._uow.read() as tx:
            intent = await intents.get_intent(tx, intent_id)
        if intent.user_id != actor.id:
            raise NotFound(f"payment {intent_id} of another")
        return intent

    async def list_mine(self, actor: Actor, limit: int = 30) -> list[Intent]:
        """The actor's latest payments."""
        async with self._uow.read() as tx:
            return await intents.list_mine(tx, actor.id, limit)

    async def approve(self, method: str, intent_id: IntentId, payable: Money, payer_telegram_id: int) -> Intent:
        """Approve that Telegram charges the payer now; the payment.

        Raises NotFound for a payment of another method or person, PaymentClosed if it is paid or has ended, Invalid if
        the price is not the payment's.
        """
        async with self._uow.read() as tx:
            intent = await intents.get_intent(tx, intent_id)
            reference = await ref(tx, intent)
            late = tx.now >= intent.expires_at
        if intent.method != method or reference.payer_telegram_id != payer_telegram_id:
            raise NotFound(f"payment {intent_id} of another")
        if late or not intent.is_open or intent.received:
            raise PaymentClosed(intent.status)
        if payable != intent.payable:
            raise Invalid(f"{payable} for {intent.payable}", fields={"amount": "wrong_amount"})
        return intent

    async def refresh(self, actor: Actor, intent_id: IntentId) -> Intent:
        """Poll the provider of the actor's payment, as the worker does; the payment.

        Raises NotFound. If the provider does not answer, or is asked too much already, the payment stays unchanged.
        """
        intent = await self.intent(actor, intent_id)
        with self._place(intent.method) as free:
            return await self._check(intent) if free else intent

    async def poll_now(self, actor: Actor, intent_id: IntentId) -> Intent:
        """Ask the provider about a payment now, also long after its lifetime; the payment.

        For its owner and for admins with the permission for money. Raises NotFound for other people, Unavailable when
        the provider does not answer.
        """
        async with self._uow.read() as tx:
            intent = await intents.get_intent(tx, intent_id)
        if intent.user_id != actor.user_id and not actor.may(Permission.MONEY):
            raise NotFound(f"payment {intent_id} of another")
        provider = self._providers.get(intent.method)
        if provider is None or intent.external_id is None:
            return intent
        current = await self._apply_report(intent, await provider.status(await self._ref(intent)))
        if current.status is IntentStatus.CONFIRMING and not intent.is_open:
            await self._follow(current, provider.capabilities)
        return current

    async def receive(self, method: str, headers: Mapping[str, str], body: bytes) -> list[Outcome]:
        """Apply a provider's webhook call. Raises NotFound for an unknown provider, BadWebhook for a forged call."""
        provider = self._providers.get(method)
        if provider is None:
            raise NotFound(f"no provider called {method!r}")
        return [await self.settle(method, report) for report in await provider.webhook(headers, body)]

    async def poll(self, asked: PollIntent) -> None:
        """Task: poll the provider, and schedule the next poll while money may arrive.

        Raises RetryLater while this process asks the provider about several other payments.
        """
        async with self._uow.read() as tx:
            intent = await intents.get_intent(tx, asked.intent_id)
        if intent.polls != asked.attempt:
            return
        with self._place(intent.method) as free:
            if not free:
                raise RetryLater(_BUSY_SECONDS, f"{intent.method} is being asked about other payments")
            intent = await self._check(intent)
        attempt = asked.attempt + 1
        provider = self._providers.get(intent.method)
        can = provider.capabilities if provider else Capabilities()
        async with self._uow() as tx:
            asks = rules.should_poll(intent, tx.now, can)
            over = tx.now >= intent.expires_at and intent.status is not IntentStatus.CONFIRMING
            follows = not rules.may_receive_money(intent) or over
            delay = rules.poll_delay(attempt, can, follows=follows)
            if tx.now < intent.expires_at:  # the poll that expires it must be in time
                delay = min(delay, max(intent.expires_at - tx.now, _SOONEST))
            # Two runs of this task may get here; one of them schedules the next poll.
            noted = await intents.next_poll(tx, intent.id, asked.attempt, tx.now + delay if asks else None)
            if noted and asks:
                tx.enqueue(POLL, PollIntent(intent.id, attempt), delay=delay, unique_key=_poll_key(intent.id, attempt))

    async def sweep(self) -> int:
        """Timer: look at the payments whose poll is overdue, because Redis is away or the job failed; how many.

        It looks itself: a job would wait for Redis, while the timer runs without it.
        """
        async with self._uow() as tx:
            await calls.prune(tx)
            forgotten = await intents.claim_forgotten(tx, _OVERDUE, _SWEEP_LIMIT)
        few = asyncio.Semaphore(_PARALLEL_POLLS)

        async def poll_one(intent_id: IntentId, polls: int) -> None:
            async with few:
                try:
                    await self.poll(PollIntent(intent_id, polls))
                except AppError as error:  # the other payments must still be polled
                    log.warning("payments.sweep_failed", intent=str(intent_id), error=error.detail)
                except RetryLater:
                    log.info("payments.sweep_later", intent=str(intent_id))

        await asyncio.gather(*(poll_one(intent_id, polls) for intent_id, polls in forgotten))
        return len(forgotten)

    async def _open(self, intent: Intent, *, leased: bool = False) -> Intent:
        """Open the payment at the provider unless it is open; outside transactions, so that none waits for it."""
        if intent.external_id is not None or not intent.is_open:
            return intent
        if not leased:
            async with self._uow() as tx:
                if not await intents.lease(tx, intent.id, _LEASE):
                    return intent
        reference = await self._ref(intent)
        failpoint("payments.begun")
        created = await self._providers[intent.method].create(reference)
        failpoint("payments.opened")
        async with self._uow() as tx:
            await intents.save_created(tx, intent.id, created)
            tx.signal(domain.SIGNAL, intent.id)
            return await intents.get_intent(tx, intent.id)

    @contextlib.contextmanager
    def _place(self, method: str) -> Iterator[bool]:
        """One of the places for polls of a provider; False when all are taken."""
        free = self._asking[method] < _ASKED_AT_ONCE
        self._asking[method] += free
        try:
            yield free
        finally:
            self._asking[method] -= free

    async def _check(self, intent: Intent) -> Intent:
        """Poll the provider, apply its report, and expire the payment if its lifetime has ended."""
        provider = self._providers.get(intent.method)
        return await self._apply_report(intent, None if provider is None else await self._ask(provider, intent))

    async def _apply_report(self, intent: Intent, report: ProviderReport | None) -> Intent:
        if report is not None:
            if report.checkpoint not in {"", intent.checkpoint}:
                async with self._uow() as tx:
                    await intents.save_checkpoint(tx, intent.id, report.checkpoint)
            if rules.changes(intent, report):
                await self.settle(intent.method, report)
            elif rules.is_progress(intent, report):
                await self._note_progress(intent.id, report)
        async with self._uow.read() as tx:
            intent = await intents.get_intent(tx, intent.id)
            late = rules.has_expired(intent, tx.now)
        if not late:
            return intent
        async with self._uow() as tx:
            return await domain.expire(tx, intent.id)

    async def _follow(self, intent: Intent, can: Capabilities) -> None:
        """Resume polling of a payment that ended and has money on its way again."""
        attempt, delay = intent.polls + 1, rules.poll_delay(0, can)
        async with self._uow() as tx:
            if await intents.next_poll(tx, intent.id, intent.polls, tx.now + delay):
                tx.enqueue(POLL, PollIntent(intent.id, attempt), delay=delay, unique_key=_poll_key(intent.id, attempt))

    async def _ask(self, provider: PaymentProvider, intent: Intent) -> ProviderReport | None:
        async with self._uow.read() as tx:
            if not rules.should_poll(intent, tx.now, provider.capabilities):
                return None
        try:
            opened = await self._open(intent)
            return None if opened.external_id is None else await provider.status(await self._ref(opened))
        except Unavailable as error:
            log.warning("payments.provider_down", provider=intent.method, error=str(error))
            return None

    async def _note_progress(self, intent_id: IntentId, report: ProviderReport) -> None:
        async with self._uow() as tx:
            intent = await intents.lock_intent(tx, intent_id)
            if rules.is_progress(intent, report):
                await intents.save_status(tx, intent_id, intent.status, report.details)
                tx.signal(domain.SIGNAL, intent_id)

    async def _ref(self, intent: Intent) -> PaymentRef:
        async with self._uow.read() as tx:
            return await ref(tx, intent)

    @retry_conflicts
    async def settle(self, method: str, report: ProviderReport) -> Outcome:
        """Apply a report that is known to be the provider's, such as one made of the bot's updates.

        Webhook calls go through ``receive``, which checks signatures.
        """
        async with self._uow() as tx:
            outcome = await domain.apply(tx, method, report)
        failpoint("payments.committed")
        return outcome


def _poll_key(intent_id: IntentId, attempt: int) -> str:
    return f"{POLL}:{intent_id}:{attempt}"
