"""Subscriptions for those who have them, and for admins: begin, cancel, resume, end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from backend.catalog import domain as catalog
from backend.catalog.domain import questions
from backend.catalog.errors import SoldOut
from backend.catalog.types import Offer, VariantId, VariantOffer
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.orders import rules as order_rules
from backend.orders.domain import quotes
from backend.orders.domain import subscriptions as domain
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import AlreadySubscribed, OrderNotPayable, SubscriptionHasEnded, SubscriptionNotOffered
from backend.orders.repository import subscriptions as repository
from backend.orders.rules import subscriptions as rules
from backend.orders.service.checkout import ListMethods
from backend.orders.types.subscriptions import (
    ChargedOrder,
    NewSubscription,
    SubscriptionOffer,
    SubscriptionStatus,
    SubscriptionView,
)
from backend.payments import domain as payments
from backend.payments.types import PaymentMethod, SubscriptionId

_S = SubscriptionStatus


class SubscriptionsService:
    """A variant each period, until its person cancels.

    ``currency`` is the shop's; ``methods`` lists the payment methods that a person can use now. A renewal that has
    failed can still arrive for ``grace``.
    """

    def __init__(
        self, *, uow: UnitOfWork, fulfillers: Fulfillers, currency: str, methods: ListMethods, grace: Live[timedelta]
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._currency = currency
        self._methods = methods
        self._grace = grace

    async def offer(self, actor: Actor, variant: VariantOffer) -> SubscriptionOffer | None:
        """What a subscription to a variant of a product's page costs the actor; None where there is none."""
        if variant.subscription_days is None or variant.min_quantity > 1 or variant.price.currency != self._currency:
            return None
        async with self._uow.read() as tx:
            if await questions.list_questions(tx, [variant.id]):
                return None  # who renews it could not be asked
        return rules.terms(variant.id, variant.subscription_days, variant.price, await self._methods(actor))

    async def quote(self, actor: Actor, variant_id: VariantId) -> tuple[Offer, SubscriptionOffer]:
        """The goods, and what a subscription to them would cost the actor now.

        Raises NotFound, PremiumOnly, SubscriptionNotOffered, SoldOut, AlreadySubscribed.
        """
        methods = await self._methods(actor)
        async with self._uow.read() as tx:
            offer, terms = await self._offer(tx, actor, variant_id, methods)
            if any(one.variant_id == variant_id and one.runs for one in await repository.list_mine(tx, actor.id, 100)):
                raise AlreadySubscribed()
        return offer, terms

    @retry_conflicts
    async def begin(self, actor: Actor, variant_id: VariantId, confirmed: Money | None = None) -> NewSubscription:
        """The payment to start for a subscription, whose price is agreed with it; the same one until it is paid.

        ``confirmed`` is what the actor was told that each period costs, in the payment method's asset. Raises NotFound,
        PremiumOnly, SubscriptionNotOffered, PriceChanged, SoldOut, AlreadySubscribed.
        """
        methods = await self._methods(actor)
        async with self._uow() as tx:
            offer, terms = await self._offer(tx, actor, variant_id, methods)
            order_rules.check_confirmed(terms.charged, confirmed)
            subscription = await repository.open_one(tx, actor.id, terms)
            if subscription.runs:
                raise AlreadySubscribed()
            await repository.set_terms(tx, subscription, terms)
        key = f"subscription:{subscription.id}:{terms.charged.amount}:{terms.price.amount}"
        return NewSubscription(subscription.id, terms.method, terms.price, key, offer)

    async def check_payable(self, subscription_id: SubscriptionId, charged: Money) -> None:
        """Before the first payment is taken: raises OrderNotPayable if it would buy nothing."""
        async with self._uow.read() as tx:
            try:
                subscription = await repository.get(tx, subscription_id)
            except NotFound as error:
                raise OrderNotPayable("an unknown subscription") from error
            available = await catalog.count_available(tx, subscription.variant_id, 1)
        if subscription.status is not _S.AWAITING_PAYMENT or subscription.charged != charged or not available:
            raise OrderNotPayable("it runs, its price is another one, or its goods are sold out")

    async def mine(self, actor: Actor) -> list[SubscriptionView]:
        """The actor's subscriptions that were ever paid, the latest first."""
        async with self._uow.read() as tx:
            return await domain.with_goods(tx, await repository.list_mine(tx, actor.id, domain.LATEST))

    async def detail(self, actor: Actor, subscription_id: SubscriptionId) -> SubscriptionView:
        """One of the actor's subscriptions with its charges. Raises NotFound, also for another person's."""
        async with self._uow.read() as tx:
            view = await domain.load(tx, subscription_id, charges=True)
        if view.subscription.user_id != actor.id:
            raise NotFound("somebody else's subscription")
        return view

    async def of_order(self, actor: Actor, order_id: OrderId) -> ChargedOrder | None:
        """The subscription that an order of the actor belongs to, or any order for an admin of orders."""
        async with self._uow.read() as tx:
            link = await domain.find_order(tx, order_id)
            if link is not None and not actor.may(Permission.ORDERS):
                theirs = (await repository.get(tx, link.subscription_id)).user_id == actor.id
                return link if theirs else None
        return link

    @retry_conflicts
    async def cancel(self, actor: Actor, subscription_id: SubscriptionId) -> None:
        """Stop the renewals: the subscription ends with the period that is paid. Nothing for one that was cancelled.

        Raises NotFound, SubscriptionHasEnded.
        """
        async with self._uow() as tx:
            subscription = await repository.lock(tx, subscription_id)
            if subscription.user_id != actor.id:
                raise NotFound("somebody else's subscription")
            if subscription.status is _S.CANCELLED:
                return
            if not subscription.cancellable:
                raise SubscriptionHasEnded()
            after = replace(subscription, status=_S.CANCELLED, stopped=True)
            await domain.stop(tx, subscription, after, self._grace())

    @retry_conflicts
    async def resume(self, actor: Actor, subscription_id: SubscriptionId) -> None:
        """Have the provider allow the renewals again that ``cancel`` has stopped; there the actor resumes them.

        It is cancelled until the provider reports that. Raises NotFound, SubscriptionHasEnded.
        """
        async with self._uow() as tx:
            subscription = await repository.lock(tx, subscription_id)
            if subscription.user_id != actor.id:
                raise NotFound("somebody else's subscription")
            if not subscription.runs:
                raise SubscriptionHasEnded()
            if not subscription.resumable(tx.now):
                return
            assert subscription.first_id is not None
            await payments.set_renewal(tx, subscription.first_id, on=True)
            await domain.change(tx, subscription, replace(subscription, stopped=False), self._grace())

    # For admins

    async def list_for(self, actor: Actor, user_id: UserId) -> list[SubscriptionView]:
        """A person's subscriptions that were ever paid, the latest first. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await domain.with_goods(tx, await repository.list_mine(tx, user_id, domain.LATEST))

    async def admin_detail(self, actor: Actor, subscription_id: SubscriptionId) -> SubscriptionView:
        """Anybody's subscription with its charges. Needs the permission for orders. Raises NotFound."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await domain.load(tx, subscription_id, charges=True)

    @retry_conflicts
    async def end(self, actor: Actor, subscription_id: SubscriptionId, reason: str) -> None:
        """End a person's subscription now, whatever is paid; its orders are refunded on their own pages.

        Needs the permission for orders; ``reason`` is for the audit log. Raises NotFound, SubscriptionHasEnded.
        """
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            subscription = await repository.lock(tx, subscription_id)
            if not subscription.runs:
                raise SubscriptionHasEnded()
            after = replace(subscription, status=_S.ENDED, stopped=True)
            await domain.stop(tx, subscription, after, self._grace(), by_shop=True)
            subject, facts, buyer = f"subscription:{subscription_id}", {"reason": reason}, subscription.user_id
            await audit.record(tx, actor.user_id, "orders.end_subscription", subject, facts, person=buyer)

    async def _offer(
        self, tx: Tx, actor: Actor, variant_id: VariantId, methods: Sequence[PaymentMethod]
    ) -> tuple[Offer, SubscriptionOffer]:
        offer = await catalog.get_offer(tx, variant_id, reseller=actor.is_reseller)
        if offer.unit_price.currency != self._currency or not self._fulfillers.sells(offer.kind):
            raise NotFound("priced in another currency than the shop's, or of a kind that is not sold")
        terms = rules.terms(variant_id, offer.subscription_days, offer.unit_price, methods)
        if terms is None or offer.min_quantity > 1 or await questions.list_questions(tx, [variant_id]):
            raise SubscriptionNotOffered()
        order_rules.check_offer(offer, 1, premium=actor.is_premium)
        if not await catalog.count_available(tx, variant_id, 1):
            raise SoldOut(available=0)
        await quotes.list_paid_before(tx, self._fulfillers, quotes.goods_of(tx, actor.id, [(offer, 1)]))
        return offer, terms
