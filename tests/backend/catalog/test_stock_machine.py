"""Admins who import, remove, move, undo and stop at once, while people buy: no key is lost, and none is sold twice."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from backend.bootstrap import SUBSCRIPTIONS
from backend.catalog.errors import SoldOut
from backend.catalog.fulfilment.unique_keys import UniqueKeys
from backend.catalog.rules.fields import canonical_key
from backend.catalog.types import StockKind, VariantId
from backend.catalog.types.batches import BatchId
from backend.catalog.types.fulfilment import FulfilmentLine
from backend.catalog.types.stock_changes import StockChangeId
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.database import make_engine
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.ids import DataKeyId
from tests.backend.catalog.test_fulfillers import line
from tests.factories.catalog import add_variant, catalog_services, import_keys
from tests.fakes.clock import FakeClock
from tests.machines import lives

ADMIN = Actor.system()
_shops = itertools.count(1)
_DEEDS = ("buy", "buy", "reserve", "release", "settle", "import", "remove", "some", "move", "undo", "stop", "resume")
DEEDS = st.lists(st.tuples(st.sampled_from(_DEEDS), st.integers(0, 99)), min_size=2, max_size=5)
_ROWS = """
    SELECT k.id, k.variant_id, k.state, k.ciphertext, k.fingerprint, k.order_line_id, k.batch_id, k.change_id,
           b.variant_id AS batch_variant, b.data_key_id, b.stopped_at
    FROM stock_keys k JOIN stock_batches b ON b.id = k.batch_id WHERE k.variant_id = ANY (:variants)
"""


class Room(RuleBasedStateMachine):
    """Two variants in a database that commits; what a group of deeds does at once is checked after it."""

    config: Settings

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.number = next(_shops)
        self.keys: set[str] = set()
        self.bought: dict[Any, str] = {}
        """Each line that was sold, and the key that it got."""
        self.reserved: list[FulfilmentLine] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for it."""
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        """Three keys in each."""

        async def work() -> None:
            self.engine = make_engine(self.config.database_url, pool_size=6)
            signals = Signals(self.engine, self.config.database_url)
            self.uow = UnitOfWork(self.engine, FakeClock(), signals, SUBSCRIPTIONS)
            self.ring = KeyRing(self.config.master_keys)
            self.service, self.goods = catalog_services(self.uow, self.ring), UniqueKeys(self.ring)
            self.slugs = [f"room-{self.number}-{name}" for name in ("left", "right")]
            self.variants: list[VariantId] = [await add_variant(self.service, slug) for slug in self.slugs]
            for number in range(2):
                await self.bring(number, 3)

        self.run(work())

    @rule(deeds=DEEDS)
    def at_once(self, deeds: list[tuple[str, int]]) -> None:
        """Several people do something at the same moment."""

        async def work() -> None:
            await asyncio.gather(*(self.do(what, number) for what, number in deeds))

        self.run(work())

    async def do(self, what: str, number: int) -> None:
        """One deed; ``number`` chooses on what."""
        chance = random.Random(number)
        match what:
            case "buy" | "reserve":
                await self.take(number % 2, what)
            case "release" | "settle":
                if self.reserved:
                    await self.end(self.reserved.pop(number % len(self.reserved)), what)
            case "import":
                await self.bring(number % 2, 1 + number % 3)
            case "undo":
                changes = await self.ids("SELECT c.id FROM stock_changes c JOIN stock_batches b ON b.id = c.batch_id")
                if changes:
                    await self.finish((await self.service.stock_changes.undo(ADMIN, chance.choice(changes))).id)
            case _:
                batches = await self.ids("SELECT b.id FROM stock_batches b")
                await self.change(what, BatchId(chance.choice(batches)), number)

    async def change(self, what: str, batch: BatchId, number: int) -> None:
        """An admin does something with a batch."""
        changes = self.service.stock_changes
        if what in ("stop", "resume"):
            switch = self.service.batches.stop if what == "stop" else self.service.batches.resume
            await switch(ADMIN, batch)
            await self.service.batches.move_keys(batch)
        elif what == "remove":
            await self.finish((await changes.remove(ADMIN, batch)).id)
        elif what == "some":
            keys = await changes.keys(ADMIN, batch)
            await changes.remove(ADMIN, batch, [key.id for key in keys[: 1 + number % 2]])
        else:
            here = (await changes.details(ADMIN, batch)).variant_id
            await self.finish((await changes.move(ADMIN, batch, self.variants[self.variants[0] == here])).id)

    async def finish(self, change: StockChangeId) -> None:
        """What the worker does."""
        await self.service.stock_changes.run(change)

    async def bring(self, number: int, count: int) -> None:
        """Keys that nobody has seen before."""
        keys = [f"KEY-{self.number}-{len(self.keys) + place}" for place in range(count)]
        self.keys |= set(keys)
        report = await import_keys(self.service, f"{self.slugs[number]}/one", keys)
        assert report.applied and report.added == count

    async def take(self, number: int, what: str) -> None:
        """Somebody buys or reserves one."""

        @retry_conflicts
        async def work() -> tuple[FulfilmentLine, str | None]:
            async with self.uow() as tx:
                one = await line(tx, StockKind.UNIQUE_KEYS, self.variants[number])
                if what == "reserve":
                    await self.goods.reserve(tx, [one])
                    return one, None
                items = (await self.goods.deliver(tx, [one], reserved=False))[one.id].items
                return one, (await self.goods.open(tx, [items[0].id]))[0]

        try:
            taken, key = await work()
        except SoldOut:
            return
        if key is None:
            self.reserved.append(taken)
        else:
            self.bought[taken.id] = key

    async def end(self, reserved: FulfilmentLine, what: str) -> None:
        """What was reserved is paid, or lapses."""

        @retry_conflicts
        async def work() -> str | None:
            async with self.uow() as tx:
                if what == "release":
                    await self.goods.release(tx, [reserved])
                    return None
                items = (await self.goods.deliver(tx, [reserved], reserved=True))[reserved.id].items
                return (await self.goods.open(tx, [items[0].id]))[0]

        key = await work()
        if key is not None:
            self.bought[reserved.id] = key

    async def ids(self, query: str) -> list[Any]:
        """Ids of this room."""
        async with self.uow.read() as tx:
            rows = await tx.execute(text(f"{query} WHERE b.variant_id = ANY (:v) ORDER BY 1"), {"v": self.variants})
            return list(rows.scalars())

    @invariant()
    def every_key_is_there_once(self) -> None:
        """Each in one place, opened and recognised there, sold to one line at most; the counts add up."""
        if not hasattr(self, "variants"):
            return

        async def work() -> None:
            async with self.uow.read() as tx:
                rows = (await tx.execute(text(_ROWS), {"variants": self.variants})).all()
                changes = (
                    await tx.execute(
                        text(
                            "SELECT c.* FROM stock_changes c JOIN stock_batches b ON b.id = c.batch_id"
                            " WHERE b.variant_id = ANY (:v)"
                        ),
                        {"v": self.variants},
                    )
                ).all()
                plain = {}
                for row in rows:
                    key = await self.ring.get(tx, DataKeyId(row.data_key_id))
                    plain[row.id] = open_sealed(key, row.ciphertext, row.id.bytes).decode()
            assert Counter(plain.values()) == Counter(self.keys)
            for row in rows:
                assert row.batch_variant == row.variant_id
                mark = self.ring.fingerprint(canonical_key(plain[row.id]).encode(), row.variant_id.bytes)
                assert row.fingerprint == mark
            sold = {row.order_line_id: plain[row.id] for row in rows if row.state == "sold"}
            assert sold == self.bought
            assert len(set(sold.values())) == len(sold)
            states = Counter(row.state for row in rows)
            assert states["reserved"] == len(self.reserved)
            assert sum(states.values()) == len(self.keys)
            assert set(states) <= {"available", "stopped", "reserved", "sold", "removed"}
            removed = Counter(row.change_id for row in rows if row.state == "removed")
            for change in changes:
                assert change.state in ("done", "undone")
                if change.kind == "removal":
                    assert removed[change.id] == change.keys - change.restored
            for row in rows:
                assert row.state != "available" or row.stopped_at is None

        self.run(work())

    def teardown(self) -> None:
        """Leave the rows: the fixture empties the database."""
        if hasattr(self, "engine"):
            self.run(self.engine.dispose())
        self.runner.close()


def test_stock_under_many_hands(settings: Settings, committed_db: None) -> None:
    """Few examples in the suite; ``SOUK_EXAMPLES`` for more."""
    Room.config = settings
    run_state_machine_as_test(Room, settings=lives(4, steps=6))
