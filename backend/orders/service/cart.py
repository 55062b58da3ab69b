"""The cart: what somebody wants to buy, kept until they do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from backend.catalog import domain as catalog
from backend.catalog.types import Offer, VariantId
from backend.growth.types.promos import AppliedPromo, PromoCodeId, RefusedPromo
from backend.identity.types import Actor
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.money import Money
from backend.orders import rules
from backend.orders.domain import carts, promos
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import CartFull, PremiumOnly, QuantityNotAllowed
from backend.orders.repository import cart as repository
from backend.orders.rules.carts import with_prices
from backend.orders.service.checkout import ListMethods
from backend.orders.service.drafts import price_of
from backend.orders.types import MOST_LINES
from backend.orders.types.cart import Cart, CartQuote
from backend.wallet import domain as wallet


class CartService:
    """One cart for each person, the same on all their devices.

    ``currency`` is the shop's; ``methods`` lists the payment methods that a person can use now. A person is reminded of
    a cart that has not changed for ``remind_after``, once; never where that is zero.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        fulfillers: Fulfillers,
        currency: str,
        methods: ListMethods,
        remind_after: Live[timedelta],
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._currency = currency
        self._methods = methods
        self._remind_after = remind_after

    async def show(self, actor: Actor) -> Cart:
        """The actor's cart as things are now, with what has changed since it was filled."""
        async with self._uow.read() as tx:
            return await self._load(tx, actor)

    async def quote(self, actor: Actor, *, use_balance: bool = True, codes: Sequence[PromoCodeId] = ()) -> CartQuote:
        """What the checkout of the cart would cost the actor now, and how they can pay. It reserves nothing.

        The best of the promo ``codes`` is used.
        """
        async with self._uow.read() as tx:
            cart, promo, refused = await self._discounted(tx, actor, await self._load(tx, actor), codes)
            balance = await wallet.balance(tx, actor.id, self._currency)
        methods = await self._methods(actor)
        nothing = Money.zero(self._currency)
        due = rules.amount_due(cart.total, nothing, balance, methods, use_balance=use_balance)
        return CartQuote(cart, due, promo, refused)

    async def count(self, actor: Actor) -> int:
        """How many lines the actor's cart has."""
        async with self._uow.read() as tx:
            return await repository.count_lines(tx, actor.id)

    @retry_conflicts
    async def add(self, actor: Actor, variant_id: VariantId, quantity: int) -> Cart:
        """Put ``quantity`` more of a variant into the cart, as far as one order may have so many.

        Raises NotFound, PremiumOnly, QuantityNotAllowed, CartFull.
        """
        async with self._uow() as tx:
            offer = await self._offer(tx, actor, variant_id, quantity)
            before = await carts.begin_change(tx, actor.id)
            quantities = {line.variant_id: line.quantity for line in await repository.list_lines(tx, actor.id)}
            if variant_id not in quantities:
                _check_room(before)
            total = max(quantities.get(variant_id, 0) + quantity, offer.min_quantity)
            if total > offer.largest_order:
                raise QuantityNotAllowed(minimum=offer.min_quantity, maximum=offer.largest_order)
            await repository.put_line(tx, actor.id, variant_id, total, offer.price_of_one(total))
            await carts.note_change(tx, actor.id, before, self._remind_after())
            return await self._load(tx, actor)

    async def set_quantity(self, actor: Actor, variant_id: VariantId, quantity: int) -> Cart:
        """Have ``quantity`` of a variant that is in the cart.

        Raises NotFound for one that is not, or no longer sold; PremiumOnly, QuantityNotAllowed.
        """
        return await self._put(actor, variant_id, quantity, new=False)

    @retry_conflicts
    async def _put(self, actor: Actor, variant_id: VariantId, quantity: int, *, new: bool) -> Cart:
        async with self._uow() as tx:
            offer = await self._offer(tx, actor, variant_id, quantity)
            rules.check_offer(offer, quantity, premium=actor.is_premium)
            before = await carts.begin_change(tx, actor.id)
            if variant_id not in {line.variant_id for line in await repository.list_lines(tx, actor.id)}:
                if not new:
                    raise NotFound("not in the cart")
                _check_room(before)
            await repository.put_line(tx, actor.id, variant_id, quantity, offer.price_of_one(quantity))
            await carts.note_change(tx, actor.id, before, self._remind_after())
            return await self._load(tx, actor)

    async def have(self, actor: Actor, variant_id: VariantId, quantity: int) -> Cart:
        """Have ``quantity`` of a variant, whether it is in the cart or not; fewer than its minimum is none of it.

        Raises as ``add`` does.
        """
        async with self._uow.read() as tx:
            minimum = (await self._offer(tx, actor, variant_id, max(quantity, 1))).min_quantity
        if quantity < minimum:
            return await self.remove(actor, variant_id)
        return await self._put(actor, variant_id, quantity, new=True)

    @retry_conflicts
    async def remove(self, actor: Actor, variant_id: VariantId) -> Cart:
        """Take a variant out of the cart; nothing happens where it is not in it."""
        async with self._uow() as tx:
            before = await carts.begin_change(tx, actor.id)
            await repository.mark_removed(tx, actor.id, variant_id)
            await carts.note_change(tx, actor.id, before, self._remind_after())
            return await self._load(tx, actor)

    @retry_conflicts
    async def put_back(self, actor: Actor, variant_id: VariantId) -> Cart:
        """Undo ``remove``, within an hour. Raises NotFound, CartFull."""
        async with self._uow() as tx:
            before = await carts.begin_change(tx, actor.id)
            if await repository.find_removed(tx, actor.id, variant_id) is not None:
                _check_room(before)
                await repository.put_back(tx, actor.id, variant_id)
            elif variant_id not in {line.variant_id for line in await repository.list_lines(tx, actor.id)}:
                raise NotFound("was not removed a short while ago")
            await carts.note_change(tx, actor.id, before, self._remind_after())
            return await self._load(tx, actor)

    async def _offer(self, tx: Tx, actor: Actor, variant_id: VariantId, quantity: int) -> Offer:
        """What the actor may put into a cart. Raises NotFound, PremiumOnly, QuantityNotAllowed for less than one."""
        offer = await catalog.get_offer(tx, variant_id, reseller=actor.is_reseller)
        if offer.unit_price.currency != self._currency or not self._fulfillers.sells(offer.kind):
            raise NotFound("priced in another currency than the shop's, or of a kind that is not sold")
        if offer.premium_only and not actor.is_premium:
            raise PremiumOnly()
        if not 1 <= quantity <= offer.largest_order:
            raise QuantityNotAllowed(minimum=offer.min_quantity, maximum=offer.largest_order)
        return offer

    @staticmethod
    async def _discounted(
        tx: Tx, actor: Actor, cart: Cart, codes: Sequence[PromoCodeId]
    ) -> tuple[Cart, AppliedPromo | None, RefusedPromo | None]:
        """The cart at the prices with the best of the codes, that code, and why one takes nothing off."""
        if not codes or not cart.lines:
            return cart, None, None
        offers, requested = [line.offer for line in cart.lines], cart.requested_lines
        usable, refused = await promos.list_usable(tx, actor.id, offers, price_of(offers, requested), codes)
        priced = price_of(offers, requested, usable, [line.paid for line in cart.lines])
        return with_prices(cart, priced), promos.applied(priced, usable), refused

    async def _load(self, tx: Tx, actor: Actor) -> Cart:
        return await carts.load(
            tx,
            self._fulfillers,
            actor.id,
            self._currency,
            reseller=actor.is_reseller,
            premium=actor.is_premium,
        )


def _check_room(lines: int) -> None:
    if lines >= MOST_LINES:
        raise CartFull(limit=MOST_LINES)
