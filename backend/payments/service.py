"""Top-ups: begun by a person, finished by a provider's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog

from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound, Unavailable
from backend.kernel.ids import IntentId, OrderId
from backend.kernel.money import Money
from backend.payments import domain, repository, rules
from backend.payments.ports import PaymentProvider
from backend.payments.types import (
    Capabilities,
    Intent,
    Outcome,
    PaymentRef,
    PollIntent,
    Report,
    TopUpLimits,
    Way,
)

POLL: Final = "payments.poll"
_LEASE: Final = timedelta(seconds=30)
_OVERDUE: Final = timedelta(minutes=5)
_SWEPT_AT_ONCE: Final = 500
_MAX_KEY: Final = 200
log = structlog.get_logger(__name__)


class PaymentsService:
    """Payments by every provider that is on; ``providers`` in the order of their showing."""

    def __init__(self, *, uow: UnitOfWork, providers: Sequence[PaymentProvider], limits: TopUpLimits) -> None:
        self._uow = uow
        self._providers = {provider.name: provider for provider in providers}
        self.limits = limits
        self._currency = limits.minimum.currency

    async def ways(self, actor: Actor) -> list[Way]:
        """The ways in which the actor can pay, with their limits."""
        found: list[Way] = []
        for provider in self._providers.values():
            can = provider.capabilities
            if rules.serves(can, self._currency):
                minimum, maximum = rules.bounds(self.limits, can)
                found.append(Way(name=provider.name, minimum=minimum, maximum=maximum, wait_seconds=can.wait_seconds))
        return found

    def read_amount(self, text: str) -> Money:
        """What a person typed, in the shop's currency. Raises Invalid."""
        return rules.read_amount(text, self._currency)

    async def start_top_up(
        self, actor: Actor, way: str, amount: Money, order_id: OrderId | None = None, *, idempotency_key: str
    ) -> Intent:
        """Begin a payment into the actor's wallet; the same key again gives the same payment.

        Raises Invalid for a way or an amount that is not offered, PaymentConflict for a key used otherwise, Unavailable
        when the provider does not answer (the payment stays, and is opened by a later try or by the worker).
        """
        provider = self._providers.get(way)
        if provider is None or not rules.serves(provider.capabilities, self._currency):
            raise Invalid(f"no way called {way!r}", fields={"way": "unknown_way"})
        if not 0 < len(idempotency_key) <= _MAX_KEY:
            raise Invalid("the key is empty or too long", fields={"idempotency_key": "bad_key"})
        rules.check_amount(amount, *rules.bounds(self.limits, provider.capabilities))
        can = provider.capabilities
        first_poll = rules.poll_delay(0, can.first_poll_seconds)
        async with self._uow() as tx:
            intent, fresh = await repository.add_intent(
                tx,
                user_id=actor.id,
                way=way,
                amount=amount,
                order_id=order_id,
                idempotency_key=idempotency_key,
                lifetime=timedelta(seconds=can.lifetime_seconds),
                lease=_LEASE,
                next_poll=first_poll,
            )
            if fresh:
                tx.enqueue(POLL, PollIntent(intent.id, 0), delay=first_poll, unique_key=_poll_key(intent.id, 0))
        rules.check_same(intent, way, amount, order_id)
        return await self._open(intent, leased=fresh)

    async def intent(self, actor: Actor, intent_id: IntentId) -> Intent:
        """The actor's payment. Raises NotFound, also for somebody else's."""
        async with self._uow.read() as tx:
            intent = await repository.get_intent(tx, intent_id)
        if intent.user_id != actor.id:
            raise NotFound(f"payment {intent_id} of another")
        return intent

    async def refresh(self, actor: Actor, intent_id: IntentId) -> Intent:
        """The actor's payment after a look at the provider: what the worker does, without waiting for it.

        Raises NotFound. A provider that does not answer leaves the payment as it stands.
        """
        return await self._check(await self.intent(actor, intent_id))

    async def receive(self, way: str, headers: Mapping[str, str], body: bytes) -> list[Outcome]:
        """Take a provider's call. Raises NotFound for an unknown provider, BadWebhook for a call not its own."""
        provider = self._providers.get(way)
        if provider is None:
            raise NotFound(f"no provider called {way!r}")
        return [await self._settle(way, report) for report in await provider.webhook(headers, body)]

    async def poll(self, asked: PollIntent) -> None:
        """Task: look at the provider, and come back later until nothing more can happen."""
        async with self._uow.read() as tx:
            intent = await repository.get_intent(tx, asked.intent_id)
        if intent.polls != asked.attempt:
            return
        intent = await self._check(intent)
        attempt = asked.attempt + 1
        provider = self._providers.get(intent.way)
        can = provider.capabilities if provider else Capabilities()
        delay = rules.poll_delay(attempt, can.first_poll_seconds)
        async with self._uow() as tx:
            # Two runs of this task may come here: one of them carries the chain on.
            if rules.is_polled(intent, tx.now) and await repository.next_poll(
                tx, intent.id, asked.attempt, tx.now + delay
            ):
                tx.enqueue(POLL, PollIntent(intent.id, attempt), delay=delay, unique_key=_poll_key(intent.id, attempt))

    async def sweep(self) -> int:
        """Timer: take up again what no poll follows any more (a dead letter); returns how many."""
        async with self._uow() as tx:
            forgotten = await repository.claim_forgotten(tx, _OVERDUE, _SWEPT_AT_ONCE)
            for intent_id, polls in forgotten:
                tx.enqueue(POLL, PollIntent(intent_id, polls))
        return len(forgotten)

    async def _open(self, intent: Intent, *, leased: bool = False) -> Intent:
        """Have the provider open the payment, if nobody has; between transactions, so that none waits for it."""
        if intent.external_id is not None or not intent.is_open:
            return intent
        if not leased:
            async with self._uow() as tx:
                if not await repository.lease(tx, intent.id, _LEASE):
                    return intent
        created = await self._providers[intent.way].create(_ref(intent))
        async with self._uow() as tx:
            await repository.save_created(tx, intent.id, created)
            tx.signal(domain.SIGNAL, intent.id)
            return await repository.get_intent(tx, intent.id)

    async def _check(self, intent: Intent) -> Intent:
        """Ask the provider, do what it says, and give the payment up when its time is over."""
        if not intent.is_open:
            return intent
        report = await self._ask(intent)
        if report is not None and rules.is_news(intent, report):
            await self._settle(intent.way, report)
        async with self._uow.read() as tx:
            intent = await repository.get_intent(tx, intent.id)
            late = rules.has_expired(intent, tx.now)
        if not late:
            return intent
        async with self._uow() as tx:
            return await domain.expire(tx, intent.id)

    async def _ask(self, intent: Intent) -> Report | None:
        provider = self._providers.get(intent.way)
        if provider is None:  # switched off since
            return None
        try:
            opened = await self._open(intent)
            return None if opened.external_id is None else await provider.status(_ref(opened))
        except Unavailable as error:
            log.warning("payments.provider_down", provider=intent.way, error=str(error))
            return None

    @retry_conflicts
    async def _settle(self, way: str, report: Report) -> Outcome:
        async with self._uow() as tx:
            return await domain.apply(tx, way, report)


def _poll_key(intent_id: IntentId, attempt: int) -> str:
    return f"{POLL}:{intent_id}:{attempt}"


def _ref(intent: Intent) -> PaymentRef:
    return PaymentRef(
        intent_id=intent.id,
        external_id=intent.external_id,
        amount=intent.amount,
        created_at=intent.created_at,
        expires_at=intent.expires_at,
    )
