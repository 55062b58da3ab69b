"""Quotes, purchases from the balance, and reservations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta

import msgspec

from backend.catalog import domain as catalog
from backend.catalog.errors import SoldOut
from backend.catalog.types import Offer, VariantId, VariantOffer
from backend.growth.types.promos import PromoCodeId, PromoOffer
from backend.identity import domain as identity
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.failpoints import failpoint
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import AppError, Invalid, NotFound
from backend.kernel.money import Money
from backend.orders import domain, rules
from backend.orders.domain import answers as answering
from backend.orders.domain import carts, money, promos, quotes, settling
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import IdempotencyKeyReused
from backend.orders.repository import orders as repository
from backend.orders.rules import pricing
from backend.orders.rules.pricing import UnpricedLine
from backend.orders.service.common import load_own
from backend.orders.service.drafts import line_of, new_order, placed, price_of
from backend.orders.service.reservations import ReservationsService
from backend.orders.types import (
    AmountDue,
    NewOrder,
    OpenReservation,
    OrderRef,
    OrderStatus,
    OrderView,
    PaymentOrder,
    Quote,
    RequestedLine,
    ReservationLimits,
)
from backend.orders.types.lines import LineStatus
from backend.orders.types.prices import PricedLine
from backend.payments.types import PaymentMethod
from backend.wallet import domain as wallet

ListMethods = Callable[[Actor], Awaitable[Sequence[PaymentMethod]]]
Typed = Sequence[tuple[str, str]]
"""What was typed for a product's questions: pairs of a question's id and a text."""


class _Draft(msgspec.Struct, frozen=True):
    """An order before it is stored, with what it is made of."""

    offers: list[Offer]
    promos: list[PromoOffer]
    order: NewOrder
    answers: answering.Answers


class CheckoutService:
    """A product becomes an order.

    ``currency`` is the shop's; ``methods`` lists the payment methods that a person can use now. Goods are reserved for
    ``reservation``, within ``limits`` for one person; ``reservations`` keeps them longer while a payment runs.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        fulfillers: Fulfillers,
        currency: str,
        methods: ListMethods,
        reservations: ReservationsService,
        reservation: Live[timedelta],
        limits: Live[ReservationLimits],
        premium_grace: Live[timedelta],
    ) -> None:
        self._uow = uow
        self._ring = ring
        self._fulfillers = fulfillers
        self._methods = methods
        self._reservations = reservations
        self._currency = currency
        self._reservation = reservation
        self._limits = limits
        self._premium_grace = premium_grace

    async def quote(
        self,
        actor: Actor,
        variant_id: VariantId,
        quantity: int,
        *,
        use_balance: bool = True,
        codes: Sequence[PromoCodeId] = (),
    ) -> Quote:
        """What ``quantity`` of the variant would cost the buyer now, and how they can pay. It reserves nothing.

        The best of the promo ``codes`` is used. Raises NotFound, PremiumOnly, QuantityNotAllowed, PurchaseRefused.
        """
        requested = [RequestedLine(variant_id, quantity)]
        async with self._uow.read() as tx:
            (offer,) = await self._offers(tx, actor, requested)
            goods = quotes.goods_of(tx, actor.id, [(offer, quantity)])
            paid = await quotes.list_paid_before(tx, self._fulfillers, goods)
            usable, refused = await promos.list_usable(tx, actor.id, [offer], price_of([offer], requested), codes)
            balance = await wallet.balance(tx, actor.id, self._currency)
            available = await catalog.count_available(tx, variant_id, quantity, actor.id)
        priced = price_of([offer], requested, usable, paid)
        line = line_of(goods[0].id, offer, priced.lines[0], LineStatus.RESERVED)
        nothing = Money.zero(self._currency)
        methods = await self._methods(actor)
        due = rules.amount_due(priced.total, nothing, balance, methods, use_balance=use_balance)
        sold_out, promo = available < quantity, promos.applied(priced, usable)
        return Quote(line, due, sold_out, promo, refused)

    @staticmethod
    def price(variant: VariantOffer, quantity: int) -> PricedLine:
        """What ``quantity`` of a variant would cost the person to whom it was offered."""
        step = variant.price_of_one(quantity)
        return pricing.price([UnpricedLine(variant.id, quantity, variant.public_price, variant.price, step)]).lines[0]

    async def due(self, actor: Actor, order: OrderView, *, use_balance: bool = True) -> AmountDue:
        """How the actor's unpaid order can be paid now."""
        async with self._uow.read() as tx:
            balance = await wallet.balance(tx, actor.id, order.total.currency)
        methods = await self._methods(actor)
        return rules.amount_due(order.total, order.held, balance, methods, use_balance=use_balance)

    async def find_unpaid(self, actor: Actor, variants: Collection[VariantId]) -> str:
        """The number of the actor's oldest unpaid order that has one of the variants reserved; empty for none."""
        async with self._uow.read() as tx:
            lines = await repository.list_open(tx, actor.id)
        return next((rules.order_number(line.sequence) for line in lines if line.variant_id in variants), "")

    async def begin_payment(
        self, actor: Actor, number: str, method: str, tap: str, *, use_balance: bool = True
    ) -> PaymentOrder | None:
        """What to charge by ``method`` for an unpaid order, which stays reserved for it; None when nothing is due.

        ``tap`` is the idempotency key of the buyer's action. Raises NotFound, Invalid for a payment method that is not
        enabled, OrderNotPayable, PaymentTooLate.
        """
        async with self._uow.read() as tx:
            order = await load_own(tx, self._fulfillers, actor, number)
        due = await self.due(actor, order, use_balance=use_balance)
        charge = next((item for item in due.charges if item.method.name == method), None)
        if charge is None:
            raise Invalid(f"no payment method called {method!r}", fields={"method": "unknown_method"})
        if order.status is not OrderStatus.AWAITING_PAYMENT or not due.rest:
            return None
        until = await self._reservations.extend_for_payment(actor, number, method)
        key = rules.payment_key(tap, method, charge.amount)
        return PaymentOrder(order.id, method, charge.amount, until, key)

    async def place(
        self,
        actor: Actor,
        variant_id: VariantId,
        quantity: int,
        idempotency_key: str,
        *,
        confirmed: Money | None = None,
        codes: Sequence[PromoCodeId] = (),
        answers: Typed = (),
    ) -> OrderView:
        """Buy ``quantity`` of one variant from the balance, as place_all does."""
        requested = [RequestedLine(variant_id, quantity, tuple(answers))]
        return await self.place_all(actor, requested, idempotency_key, confirmed=confirmed, codes=codes)

    @retry_conflicts
    async def place_all(
        self,
        actor: Actor,
        requested: Sequence[RequestedLine],
        idempotency_key: str,
        *,
        confirmed: Money | None = None,
        codes: Sequence[PromoCodeId] = (),
        cart: int | None = None,
    ) -> OrderView:
        """Buy from the balance: charge the buyer and deliver all goods, in one transaction.

        The same ``idempotency_key`` (8 to 64 characters) always returns the same order. ``confirmed`` is the
        total that the buyer has agreed to: a lower one is passed on. The best of the promo ``codes`` is used, all of
        which must work. ``cart`` is the version of the buyer's cart, which the goods leave. Raises Invalid for one
        variant twice, NotFound, PremiumOnly, QuantityNotAllowed, AnswersInvalid, PurchaseRefused, CartChanged,
        PriceChanged, PersonLimitReached, SoldOut, InsufficientFunds, PromoCodeRefused, IdempotencyKeyReused.
        """
        rules.check_idempotency_key(idempotency_key)
        rules.check_requested(requested)
        request = rules.request_hash(requested, use_balance=True, codes=codes)
        async with self._uow() as tx:
            try:
                draft = await self._draft(tx, actor, requested, idempotency_key, request, codes, cart, None)
                offers, used, order = draft.offers, draft.promos, draft.order
                rules.check_confirmed(order.total, confirmed)
            except AppError as refusal:
                ref = await self._bought_before(tx, actor, requested, idempotency_key, request, refusal)
                return await domain.load(tx, self._fulfillers, order_id=ref.id)
            sequence = await repository.add_order(tx, order)
            if sequence is None:
                ref = await self._replayed(tx, actor, requested, idempotency_key, request)
                return await domain.load(tx, self._fulfillers, order_id=ref.id)
            await self._check_person_limits(tx, order, offers)
            await self._keep_answers(tx, draft)
            number = rules.order_number(sequence)
            await promos.use(tx, order, used, number)
            order, deliveries = await settling.pay_new(tx, self._fulfillers, order, number)
            return placed(tx, order, number, deliveries)

    async def reserve(
        self,
        actor: Actor,
        variant_id: VariantId,
        quantity: int,
        idempotency_key: str,
        *,
        hold: bool = False,
        confirmed: Money | None = None,
        codes: Sequence[PromoCodeId] = (),
        answers: Typed = (),
    ) -> OrderRef:
        """Reserve ``quantity`` of one variant, as reserve_all does."""
        requested = [RequestedLine(variant_id, quantity, tuple(answers))]
        return await self.reserve_all(actor, requested, idempotency_key, hold=hold, confirmed=confirmed, codes=codes)

    @retry_conflicts
    async def reserve_all(
        self,
        actor: Actor,
        requested: Sequence[RequestedLine],
        idempotency_key: str,
        *,
        hold: bool = False,
        confirmed: Money | None = None,
        codes: Sequence[PromoCodeId] = (),
        cart: int | None = None,
    ) -> OrderRef:
        """Reserve goods for the buyer, all or none, until they pay or the reservation expires.

        With ``hold`` their balance is put on hold for the order: captured together with the rest, or released.
        Raises as place_all does, and TooManyReservations, ReservationTooLarge, ReservationsPaused: what one person
        reserves before paying is bounded. InsufficientFunds only where the wallet was spent at the same moment.
        """
        rules.check_idempotency_key(idempotency_key)
        rules.check_requested(requested)
        request = rules.request_hash(requested, use_balance=hold, codes=codes)
        async with self._uow() as tx:
            await repository.lock_buyer(tx, actor.id)
            try:
                status = OrderStatus.AWAITING_PAYMENT
                draft = await self._draft(tx, actor, requested, idempotency_key, request, codes, cart, status)
                offers, used, order = draft.offers, draft.promos, draft.order
                rules.check_confirmed(order.total, confirmed)
            except AppError as refusal:
                return await self._bought_before(tx, actor, requested, idempotency_key, request, refusal)
            order = msgspec.structs.replace(order, expires_at=tx.now + self._reservation())
            sequence = await repository.add_order(tx, order)
            if sequence is None:
                return await self._replayed(tx, actor, requested, idempotency_key, request)
            await self._check_person_limits(tx, order, offers)
            await self._keep_answers(tx, draft)
            part = await money.affordable(tx, order) if hold else Money.zero(self._currency)
            await self._check_unpaid(tx, order, sequence, part, offers)
            await promos.use(tx, order, used, rules.order_number(sequence))
            await self._fulfillers.reserve(tx, order.goods)
            failpoint("orders.goods_reserved")
            if part:
                await money.hold(tx, order, part, rules.order_number(sequence))
            failpoint("orders.money_held")
        return OrderRef(order.id, rules.order_number(sequence))

    async def _draft(
        self,
        tx: Tx,
        actor: Actor,
        requested: Sequence[RequestedLine],
        key: str,
        request: bytes,
        codes: Sequence[PromoCodeId],
        cart: int | None,
        status: OrderStatus | None,
    ) -> _Draft:
        """The order that is about to be stored, in ``status``, or paid at once (None). Raises as place_all does."""
        offers = await self._offers(tx, actor, requested)
        answers = await answering.read(tx, requested)
        goods = quotes.goods_of(tx, actor.id, zip(offers, (item.quantity for item in requested), strict=True))
        paid = await quotes.list_paid_before(tx, self._fulfillers, goods)
        if cart is not None:
            await carts.check_out(tx, actor.id, cart, [item.variant_id for item in requested])
        offered: list[PromoOffer] = []
        if codes:
            own = price_of(offers, requested)
            offered = await promos.list_offers(tx, actor.id, offers, own, codes, lock=True)
        priced = price_of(offers, requested, offered, paid)
        status = status or self._status_when_paid(offers)
        return _Draft(offers, offered, new_order(tx, goods, offers, priced, key, request, status, offered), answers)

    async def _keep_answers(self, tx: Tx, draft: _Draft) -> None:
        """Store what the buyer has answered, sealed, for each line."""
        lines = {line.id: draft.answers.get(line.variant_id, ()) for line in draft.order.goods}
        await answering.store(tx, self._ring, draft.order.user_id, lines)

    @staticmethod
    async def _check_person_limits(tx: Tx, order: NewOrder, offers: Sequence[Offer]) -> None:
        """Raises PersonLimitReached."""
        for line, offer in zip(order.goods, offers, strict=True):
            await settling.check_person_limit(
                tx, order.id, order.user_id, line.variant_id, line.quantity, offer.per_person_limit
            )

    async def _check_unpaid(self, tx: Tx, order: NewOrder, sequence: int, part: Money, offers: Sequence[Offer]) -> None:
        """Bound what the buyer, who is locked, reserves before paying; ``part`` of the price will be on hold.

        Raises SoldOut, and as rules.check_reservation does.
        """
        others = await money.list_open(tx, order.user_id, except_order=order.id)
        lapses = await repository.count_lapses(
            tx, order.user_id, since=tx.now - rules.LAPSES_COUNT_FOR, period=self._reservation() / 2
        )
        limits = self._limits()
        for line, priced, offer in zip(order.goods, order.lines, offers, strict=True):
            price = priced.price.total
            covered = rules.share(part, price, order.total)
            requested = OpenReservation(order.id, sequence, line.variant_id, line.quantity, price, covered)
            enough = max(-(-limits.keys * 100 // limits.share), line.quantity)
            free = await catalog.count_available(tx, line.variant_id, enough, order.user_id)
            if free < line.quantity:
                raise SoldOut(line.id, available=free)
            rules.check_reservation(requested, others, free, lapses, limits, offer.min_quantity)

    async def _offers(self, tx: Tx, actor: Actor, requested: Sequence[RequestedLine]) -> list[Offer]:
        """The offers, if this person may buy so many of them. Raises NotFound, PremiumOnly, QuantityNotAllowed.

        Premium is looked up where it counts: an actor's may have begun or ended since the session was checked.
        """
        offers = await catalog.get_offers(tx, [item.variant_id for item in requested], reseller=actor.is_reseller)
        for_members = any(offer.premium_only for offer in offers)
        premium = for_members and await identity.is_premium(tx, actor.id, self._premium_grace())
        for offer, item in zip(offers, requested, strict=True):
            if offer.unit_price.currency != self._currency or not self._fulfillers.sells(offer.kind):
                raise NotFound("priced in another currency than the shop's, or of a kind that is not sold")
            rules.check_offer(offer, item.quantity, premium=premium)
        return offers

    def _status_when_paid(self, offers: Sequence[Offer]) -> OrderStatus:
        """The status with which an order that is paid at once is stored: delivered, where all its kinds are."""
        instant = self._fulfillers.are_instant(offer.kind for offer in offers)
        return OrderStatus.DELIVERED if instant else OrderStatus.PAID

    async def _replayed(
        self, tx: Tx, actor: Actor, requested: Sequence[RequestedLine], key: str, request: bytes
    ) -> OrderRef:
        """The order of an earlier call with this key and the same request. Raises IdempotencyKeyReused."""
        first = await repository.find_by_key(tx, actor.id, key)
        if first is None or not rules.is_replay(first, requested, request):
            raise IdempotencyKeyReused()
        return OrderRef(first.id, rules.order_number(first.sequence))

    async def _bought_before(
        self, tx: Tx, actor: Actor, requested: Sequence[RequestedLine], key: str, request: bytes, refusal: AppError
    ) -> OrderRef:
        """The order that an earlier call with this key has placed; raises ``refusal`` where there is none."""
        if await repository.find_by_key(tx, actor.id, key) is None:
            raise refusal
        return await self._replayed(tx, actor, requested, key, request)
