"""The line for a variant that is sold out: joining it, and holding what comes for the first in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from backend.catalog import domain
from backend.catalog.domain import levels
from backend.catalog.domain.waiting import end_wait
from backend.catalog.errors import StillInStock, TooManyWaits
from backend.catalog.repository import offers, stock, waiting
from backend.catalog.types import Offer, VariantId
from backend.catalog.types.fulfilment import Quotes
from backend.catalog.types.waiting import (
    MOST_WAITS,
    QUEUED_KINDS,
    WAITING_TOPIC,
    HoldEnded,
    HoldUndelivered,
    OwnWait,
    Place,
    QueuedVariant,
    Quiet,
    StockArrived,
    StockHeld,
    Wait,
    WaitingCount,
)
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission, Recipient
from backend.infra.failpoints import failpoint
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import AppError, Forbidden

_UNREACHED: Final = timedelta(hours=1)
"""For how long somebody whom no message reaches is passed over."""
_MARGIN: Final = timedelta(minutes=5)
"""Nothing is offered this shortly before quiet hours: the message could fall into them."""
_MOST_COUNTED: Final = 100


class WaitingService:
    """One line for each variant; goods are held for ``hold`` for each person in it, in the order of joining.

    Nothing is offered in ``quiet`` hours, on the clock of the person's time zone (``timezone`` for an unknown one).
    """

    def __init__(
        self, *, uow: UnitOfWork, fulfillers: Quotes, hold: Live[timedelta], quiet: Quiet, timezone: str
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._hold = hold
        self._quiet = quiet
        self._timezone = timezone

    def longest(self) -> timedelta:
        """How long something is held for a person."""
        return self._hold()

    @retry_conflicts
    async def join(self, actor: Actor, variant_id: VariantId) -> Place:
        """Stand in line for a variant that is sold out; who is in it keeps their place.

        Raises NotFound, Forbidden for premium goods, the PurchaseRefused with which it can't be sold to the actor,
        StillInStock, TooManyWaits.
        """
        async with self._uow() as tx:
            offer = await domain.get_offer(tx, variant_id, reseller=actor.is_reseller)
            if offer.kind not in QUEUED_KINDS:
                raise StillInStock()
            if offer.premium_only and not actor.is_premium:
                raise Forbidden("for premium members only")
            if await waiting.find(tx, variant_id, actor.id) is None:
                await self._check_sold_to(tx, actor, offer)
                if await domain.count_available(tx, variant_id, offer.min_quantity) >= offer.min_quantity:
                    raise StillInStock()
                if await waiting.count_own(tx, actor.id) >= MOST_WAITS:
                    raise TooManyWaits(limit=MOST_WAITS)
                await waiting.add(tx, variant_id, actor.id)
                tx.signal(WAITING_TOPIC, variant_id)
            return await self._place(tx, actor, variant_id, offer.min_quantity)

    @retry_conflicts
    async def leave(self, actor: Actor, variant_id: VariantId) -> None:
        """Leave the line; what is held for the actor goes to the next. Does nothing outside of it."""
        async with self._uow() as tx:
            variant = await waiting.lock_queued(tx, variant_id)
            ended = await end_wait(tx, variant_id, actor.id) if variant else None
            if variant and ended and ended.kind is not None:
                tx.emit(HoldEnded(wait_id=ended.id))
                await levels.after_releasing(tx, variant.product_id)

    async def place(self, actor: Actor, variant_id: VariantId) -> Place:
        """How the actor stands with a variant. Raises NotFound for one that is not for sale."""
        async with self._uow.read() as tx:
            offer = await domain.get_offer(tx, variant_id, reseller=actor.is_reseller)
            return await self._place(tx, actor, variant_id, offer.min_quantity)

    async def list_own(self, actor: Actor) -> list[OwnWait]:
        """What the actor waits for: what is held for them first."""
        async with self._uow.read() as tx:
            waits = await waiting.list_own(tx, actor.id)
            offers_of = await offers.list_offers(
                tx, [wait.variant_id for wait in waits], reseller=actor.is_reseller, buyer=actor.id
            )
            own = []
            for wait in waits:
                goods = offers_of[wait.variant_id]
                number, others = await waiting.find_place(tx, wait.variant_id, actor.id)
                own.append(OwnWait(goods, Place(number, others, wait.held_until, goods.available)))
        return own

    async def count_waiting(self, actor: Actor) -> list[WaitingCount]:
        """The longest lines, of at most 100 variants. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await waiting.list_counts(tx, _MOST_COUNTED)

    async def serve_all(self) -> int:
        """End what was held too long, and serve every line that can be; returns of how many variants.

        Stock that comes wakes its line by itself (StockArrived). This serves who was passed over or joined meanwhile.
        """
        async with self._uow.read() as tx:
            lapsed = await waiting.list_lapsed(tx)
        for variant_id in lapsed:
            await self._end_lapsed(variant_id)
        async with self._uow.read() as tx:
            due = await waiting.list_due(tx)
        for variant_id in due:
            await self.serve(variant_id)
        return len(lapsed) + len(due)

    async def serve_arrived(self, event: StockArrived) -> None:
        """Task: offer what was assigned to a line. Running it again changes nothing."""
        await self.serve(event.variant_id)

    @retry_conflicts
    async def serve(self, variant_id: VariantId) -> None:
        """Hold stock for the first people in a variant's line who can be told now, and release what nobody can take."""
        async with self._uow() as tx:
            variant = await waiting.lock_queued(tx, variant_id)
            if variant is None:
                return
            served = False
            while waits := await self._next(tx, variant):
                served = True
                await self._offer(tx, variant, waits)
                failpoint("waiting.held")
            if served:
                await stock.mark_in_stock(tx, variant.product_id)
                await levels.after_holding(tx, variant)

    @retry_conflicts
    async def pass_on(self, event: HoldUndelivered) -> None:
        """Task: offer what is held for a person whom no message reached to the next. They keep their place."""
        async with self._uow() as tx:
            row = await waiting.find_by_id(tx, event.wait_id)
            variant = await waiting.lock_queued(tx, row.variant_id) if row else None
            wait = await waiting.find_by_id(tx, event.wait_id) if variant else None
            if variant and wait and wait.held_until is not None:
                await waiting.pass_over(tx, wait, tx.now + _UNREACHED)
                await levels.after_releasing(tx, variant.product_id)

    @retry_conflicts
    async def _end_lapsed(self, variant_id: VariantId) -> None:
        async with self._uow() as tx:
            variant = await waiting.lock_queued(tx, variant_id)
            ended = await waiting.remove_lapsed(tx, variant_id) if variant else []
            for wait in ended:
                await waiting.return_goods(tx, wait)
                tx.emit(HoldEnded(wait_id=wait.id))
            if variant and ended:
                tx.signal(WAITING_TOPIC, variant_id)
                await levels.after_releasing(tx, variant.product_id)

    async def _next(self, tx: Tx, variant: QueuedVariant) -> list[Wait]:
        """The people to whom goods are assigned, those to whom free ones are now among them."""
        waits = await waiting.list_assigned(tx, variant.id)
        if not waits and variant.for_sale and await waiting.assign(tx, variant):
            waits = await waiting.list_assigned(tx, variant.id)
        return waits

    async def _offer(self, tx: Tx, variant: QueuedVariant, waits: Sequence[Wait]) -> None:
        people = await identity.list_recipients(tx, [wait.user_id for wait in waits], default_timezone=self._timezone)
        until = tx.now + self._hold()
        held = []
        for wait in waits:
            again = self._passed_until(tx.now, people.get(wait.user_id), for_sale=variant.for_sale)
            if again is not None:
                await waiting.pass_over(tx, wait, again)
                continue
            held.append(wait.id)
            tx.emit(StockHeld(wait_id=wait.id, user_id=wait.user_id, variant_id=variant.id, until=until))
        if held:
            await waiting.hold(tx, held, until)

    def _passed_until(self, now: datetime, person: Recipient | None, *, for_sale: bool) -> datetime | None:
        """Until when nothing can be offered to the person; None where it can now."""
        if person is None or person.blocked or person.blocked_bot or not for_sale:
            return now + _UNREACHED
        return self._quiet(now, person.timezone) or self._quiet(now + _MARGIN, person.timezone)

    async def _check_sold_to(self, tx: Tx, actor: Actor, offer: Offer) -> None:
        line = domain.unordered_line(tx, actor.id, offer, offer.min_quantity)
        quoted = (await self._fulfillers.quote(tx, actor.id, actor.id, [line])).get(line.id)
        if isinstance(quoted, AppError):
            raise quoted

    @staticmethod
    async def _place(tx: Tx, actor: Actor, variant_id: VariantId, quantity: int) -> Place:
        wait = await waiting.find(tx, variant_id, actor.id)
        number, others = await waiting.find_place(tx, variant_id, actor.id)
        available = await domain.count_available(tx, variant_id, quantity, actor.id)
        return Place(number, others, wait.held_until if wait else None, available)
