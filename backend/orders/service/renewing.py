"""What happens to subscriptions by themselves: charges, reports of their provider, the passing of time, blocks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from msgspec.structs import replace

from backend.catalog import domain as catalog
from backend.catalog.errors import SoldOut
from backend.identity import domain as identity
from backend.identity.types import PersonBlocked
from backend.infra import audit
from backend.infra.failpoints import failpoint
from backend.infra.i18n import translator
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import AppError
from backend.kernel.ids import OrderId
from backend.kernel.text import Locale
from backend.orders import rules as order_rules
from backend.orders.domain import quotes, settling
from backend.orders.domain import subscriptions as domain
from backend.orders.domain.lines import Fulfillers
from backend.orders.repository import orders
from backend.orders.repository import subscriptions as repository
from backend.orders.rules import subscriptions as rules
from backend.orders.service.drafts import new_order, price_of
from backend.orders.types import OrderStatus, RequestedLine
from backend.orders.types.subscriptions import (
    REFUNDED,
    ChargeRefusal,
    Subscription,
    SubscriptionChargeKept,
    SubscriptionRenewsSoon,
    SubscriptionStatus,
)
from backend.payments import domain as payments
from backend.payments.errors import RefundNotPossible
from backend.payments.types import Capabilities, RenewalChanged, SubscriptionCharged
from backend.wallet.errors import InsufficientFunds

_S = SubscriptionStatus


class RenewingService:
    """Turns each charge of a subscription into an order, and ends what is not renewed within ``grace``.

    ``methods`` are the capabilities of the enabled payment methods, by name.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        fulfillers: Fulfillers,
        methods: Mapping[str, Capabilities],
        grace: Live[timedelta],
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._methods = methods
        self._grace = grace

    @retry_conflicts
    async def settle_charge(self, event: SubscriptionCharged) -> None:
        """Task: make the order that a charge has paid, the first one as each renewal; once for each charge.

        The agreed price is charged, whatever the goods cost now, and also while they are hidden. Where they can't be
        delivered the money stays in the balance. A person who was blocked gets nothing: the charge is refunded, and
        the subscription ends. The charge of a second subscription to the same goods is refunded too.
        """
        failpoint("subscriptions.settle_before")
        async with self._uow() as tx:
            # Before everything else, as blocking a person does: a block comes either before or after this.
            blocked = await identity.is_blocked(tx, event.user_id)
            before = await repository.lock(tx, event.subscription_id)
            if before.user_id != event.user_id or not await repository.add_charge(tx, event):
                return
            outcome: OrderId | ChargeRefusal
            if blocked:
                outcome = await self._refuse_blocked(tx, before, event)
            elif before.first_id not in {None, event.first_id} or await repository.has_other(tx, before):
                await payments.set_renewal(tx, event.first_id, on=False)
                outcome = ChargeRefusal.SECOND
            else:
                after = rules.charged(before, event.first_id, event.until)
                if after.stopped:
                    await payments.set_renewal(tx, event.first_id, on=False)
                await domain.change(tx, before, after, self._grace())
                outcome = await self._deliver(tx, before, event)
            await repository.end_charge(tx, event.intent_id, outcome)
            if isinstance(outcome, ChargeRefusal):
                await self._keep(tx, event, outcome)
            failpoint("subscriptions.settled")

    async def _deliver(self, tx: Tx, subscription: Subscription, event: SubscriptionCharged) -> OrderId | ChargeRefusal:
        """The order of one line, paid and delivered, or why there is none."""
        offers = await catalog.list_offers(tx, [subscription.variant_id], reseller=False)
        offer = offers[subscription.variant_id].offer
        if not self._fulfillers.sells(offer.kind):
            return ChargeRefusal.NOT_SOLD
        price = subscription.price
        agreed = [replace(offer, unit_price=price, public_price=price, quantity_prices=())]
        goods = quotes.goods_of(tx, event.user_id, [(agreed[0], 1)])
        quoted = await quotes.ask(tx, self._fulfillers, goods)
        if any(isinstance(answer, AppError) for answer in quoted.values()):
            return ChargeRefusal.NOT_SOLD
        requested = [RequestedLine(subscription.variant_id, 1)]
        status = OrderStatus.DELIVERED if self._fulfillers.are_instant([offer.kind]) else OrderStatus.PAID
        request = order_rules.request_hash(requested, use_balance=True)
        try:
            async with tx.savepoint():
                key = f"subscription:{event.intent_id}"
                order = new_order(tx, goods, agreed, price_of(agreed, requested), key, request, status)
                order = replace(order, method=subscription.method)
                sequence = await orders.add_order(tx, order)
                assert sequence is not None  # each charge comes here once
                await settling.pay_new(tx, self._fulfillers, order, order_rules.order_number(sequence))
        except SoldOut:
            return ChargeRefusal.SOLD_OUT
        except InsufficientFunds:
            return ChargeRefusal.NOT_ENOUGH
        except AppError as refusal:  # a fulfiller's own, such as more premium than anybody may have
            if refusal.retryable:
                raise
            return ChargeRefusal.NOT_SOLD
        await payments.assign_order(tx, event.intent_id, order.id)
        return order.id

    async def _refuse_blocked(self, tx: Tx, before: Subscription, event: SubscriptionCharged) -> ChargeRefusal:
        await payments.set_renewal(tx, event.first_id, on=False)
        paid = replace(before, first_id=event.first_id, paid_until=before.paid_until or event.until)
        await domain.change(tx, before, replace(paid, status=_S.ENDED, stopped=True), self._grace(), by_shop=True)
        subject = f"subscription:{before.id}"
        await audit.record(tx, None, "orders.refuse_renewal", subject, {"why": ChargeRefusal.BLOCKED})
        return ChargeRefusal.BLOCKED

    async def _keep(self, tx: Tx, event: SubscriptionCharged, why: ChargeRefusal) -> None:
        """Refund a charge that bought nothing, where that is due, and have the person and the admins told."""
        refunded = False
        if why in REFUNDED:
            person = await identity.get_recipient(tx, event.user_id)
            try:
                reason = _reason(why, person.language)
                await payments.refund_charge(tx, event.intent_id, self._methods, reason=reason)
                refunded = True
            except (RefundNotPossible, InsufficientFunds):
                pass  # it stays in the balance, and the admins are told so
        tx.emit(
            SubscriptionChargeKept(
                subscription_id=event.subscription_id,
                intent_id=event.intent_id,
                user_id=event.user_id,
                amount=event.amount,
                currency=event.currency,
                why=why,
                refunded=refunded,
            )
        )

    @retry_conflicts
    async def note_state(self, event: RenewalChanged) -> None:
        """Task: a person has cancelled or resumed in Telegram, or a renewal could not be charged."""
        async with self._uow() as tx:
            before = await repository.lock(tx, event.subscription_id)
            if before.first_id == event.first_id:
                await domain.change(tx, before, rules.reported(before, event.state), self._grace())

    @retry_conflicts
    async def stop_blocked(self, event: PersonBlocked) -> None:
        """Task: a blocked person is not charged again; a charge that comes all the same is refunded."""
        async with self._uow() as tx:
            if not await identity.is_blocked(tx, event.user_id):
                return  # unblocked since
            for before in await repository.list_running(tx, event.user_id):
                after = replace(before, status=_S.ENDED, stopped=True)
                await domain.stop(tx, before, after, self._grace(), by_shop=True)

    async def check_due(self) -> int:
        """Timer: note renewals that have failed, and end subscriptions whose time has passed; returns how many."""
        return await _each(self._check_one)

    async def remind(self) -> int:
        """Timer: remind people, once, of the next charge; returns how many."""
        return await _each(self._remind_one)

    @retry_conflicts
    async def _check_one(self) -> bool:
        async with self._uow() as tx:
            before = await repository.lock_due(tx)
            if before is None:
                return False
            if before.status is _S.AWAITING_PAYMENT:
                await repository.save(tx, replace(before, status=_S.ENDED), check_at=None, remind_at=None)
                return True
            after = rules.overdue(before, tx.now, self._grace())
            if after == before:  # the grace time has been made longer since
                await repository.save(tx, before, check_at=rules.next_check(before, self._grace()), remind_at=None)
            await domain.change(tx, before, after, self._grace())
        return True

    @retry_conflicts
    async def _remind_one(self) -> bool:
        async with self._uow() as tx:
            subscription = await repository.lock_to_remind(tx)
            if subscription is None:
                return False
            await repository.set_reminded(tx, subscription.id)
            if subscription.paid_until is not None and tx.now < subscription.paid_until:
                tx.emit(
                    SubscriptionRenewsSoon(
                        subscription_id=subscription.id,
                        user_id=subscription.user_id,
                        paid_until=subscription.paid_until,
                    )
                )
        return True


async def _each(one: Callable[[], Awaitable[bool]]) -> int:
    done = 0
    while await one():
        done += 1
    return done


def _reason(why: ChargeRefusal, language: Locale) -> str:
    """What the wallet's history says of the refund."""
    _ = translator(language).gettext
    return _("Your account is blocked.") if why is ChargeRefusal.BLOCKED else _("You have this subscription already.")
