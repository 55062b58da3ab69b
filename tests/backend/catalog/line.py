"""A variant that is sold out, and the people who wait for it, for tests of both kinds of goods."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from backend.bootstrap import make_fulfillers
from backend.catalog import domain
from backend.catalog.fulfilment.shared_key import SharedKeys
from backend.catalog.fulfilment.unique_keys import UniqueKeys
from backend.catalog.service import WaitingService
from backend.catalog.types import StockKind, VariantId
from backend.catalog.types.fulfilment import Fulfiller, FulfilmentLine
from backend.catalog.types.waiting import Place
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import OrderLineId, UserId
from backend.notifications.rules import QuietHours
from tests.factories.catalog import add_shared, add_variant, catalog_services, import_keys, import_shared
from tests.factories.wallet import actor_of, add_person
from tests.fakes.clock import FakeClock

HOLD = timedelta(minutes=30)
_keys = itertools.count(1)


class Line:
    """One variant that is sold out; ``arrive`` restocks it, ``buy`` sells of it."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, clock: FakeClock, kind: StockKind) -> None:
        self.uow, self.ring, self.clock, self.kind = uow, ring, clock, kind
        self.quiet = QuietHours(22, 8)
        waiting = WaitingService(
            uow=uow,
            fulfillers=make_fulfillers(ring),
            hold=lambda: HOLD,
            quiet=self.quiet.end_after,
            timezone="UTC",
        )
        self.catalog = dataclasses.replace(catalog_services(uow, ring), waiting=waiting)
        self.waiting = self.catalog.waiting
        makers: dict[StockKind, type[UniqueKeys] | type[SharedKeys]] = {
            StockKind.UNIQUE_KEYS: UniqueKeys, StockKind.SHARED_KEY: SharedKeys,
        }  # fmt: skip
        self.goods: Fulfiller = makers[kind](ring)
        self.variant_id: VariantId
        self.slug = "card" if kind is StockKind.UNIQUE_KEYS else "seat"

    async def open(self, **changes: str) -> Line:
        """Make the variant, with nothing in stock."""
        if self.kind is StockKind.UNIQUE_KEYS:
            self.variant_id = await add_variant(self.catalog, self.slug, **changes)
        else:
            self.variant_id = await add_shared(self.catalog, self.slug, "0", **changes)
        return self

    async def arrive(self, count: int) -> None:
        """Import so many more."""
        if self.kind is StockKind.UNIQUE_KEYS:
            await import_keys(self.catalog, f"{self.slug}/one", [f"NEW-{next(_keys):06}" for _ in range(count)])
            return
        async with self.uow() as tx:
            rows = "SELECT coalesce(sum(quantity), 0) FROM shared_key_lines WHERE state = 'reserved'"
            reserved = (await tx.execute(text(rows))).scalar_one()
            held = "SELECT coalesce(sum(quantity), 0) FROM stock_waits"
            reserved += (await tx.execute(text(held))).scalar_one()
            left = (await tx.execute(text("SELECT remaining FROM shared_keys"))).scalar_one()
        report = await import_shared(self.catalog, f"{self.slug}/one", "SHARED-SECRET-1", str(left + reserved + count))
        assert report.applied, report.problems

    async def people(self, count: int) -> list[Actor]:
        """So many people, in the order in which they joined the line."""
        joined = await self.strangers(count)
        for person in joined:
            await self.waiting.join(person, self.variant_id)
        return joined

    async def strangers(self, count: int) -> list[Actor]:
        """So many people who wait for nothing."""
        async with self.uow() as tx:
            return [actor_of(await add_person(tx)) for _ in range(count)]

    async def buy(self, person: Actor, quantity: int = 1, *, reserve: bool = False) -> OrderLineId:
        """Sell to the person, or reserve for them. Raises SoldOut."""
        async with self.uow() as tx:
            line = await self._line(tx, person.id, quantity)
            if reserve:
                await self.goods.reserve(tx, [line])
            else:
                await self.goods.deliver(tx, [line], reserved=False)
            return line.id

    async def release(self, line_id: OrderLineId, person: Actor) -> None:
        """Return what was reserved."""
        async with self.uow() as tx:
            await self.goods.release(tx, [await self._line(tx, person.id, 1, line_id)])

    async def _line(self, tx: Tx, buyer: UserId, quantity: int, line_id: OrderLineId | None = None) -> FulfilmentLine:
        offer = await domain.get_offer(tx, self.variant_id, reseller=False)
        return FulfilmentLine(
            id=line_id or OrderLineId(tx.new_id()), kind=self.kind.value, product_id=offer.product_id,
            variant_id=self.variant_id, quantity=quantity, buyer=buyer, recipient=buyer,
        )  # fmt: skip

    async def available(self, person: Actor | None = None) -> int:
        """How many the person, or anybody, can buy."""
        async with self.uow.read() as tx:
            return await domain.count_available(tx, self.variant_id, buyer=person.id if person else None)

    async def place(self, person: Actor) -> Place:
        """How the person stands."""
        return await self.waiting.place(person, self.variant_id)

    async def holders(self) -> list[UserId]:
        """For whom something is held, in the order of joining."""
        async with self.uow.read() as tx:
            rows = "SELECT user_id FROM stock_waits WHERE held_until IS NOT NULL ORDER BY place"
            return [UserId(user_id) for user_id in (await tx.execute(text(rows))).scalars()]

    async def notified(self) -> list[UserId]:
        """Whom a job tells that something is held for them, in order."""
        async with self.uow.read() as tx:
            rows = "SELECT payload->>'user_id' FROM outbox_jobs WHERE task = 'notifications.stock_held' ORDER BY id"
            return [UserId(UUID(user_id)) for user_id in (await tx.execute(text(rows))).scalars()]
