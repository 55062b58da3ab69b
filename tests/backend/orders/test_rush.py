"""A rush: very many carts of mixed kinds, in random order, at one moment, for too few goods and too few promo codes.

A few carts each time; ``SOUK_EXAMPLES=1000`` for a thousand.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from backend.bootstrap import Services
from backend.catalog.errors import SoldOut
from backend.catalog.types import VariantId
from backend.growth.errors import PromoCodeRefused
from backend.growth.types.promos import NewPromo, PromoCodeId
from backend.identity.types import Actor
from backend.kernel.errors import Unavailable
from backend.orders.errors import OrderNotPayable, ReservationTooLarge
from backend.orders.types import OrderRef, RequestedLine
from backend.payments.types import IntentId, IntentStatus, TopUpSucceeded
from backend.wallet.errors import InsufficientFunds
from tests.factories.catalog import add_shared, catalog_services
from tests.factories.promos import add_promo, typed
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import USD
from tests.fakes.clock import FakeClock
from tests.machines import many

SYSTEM = Actor.system()
CARTS = many(48)
USES = CARTS // 16
"""So few that they are used up even where all carts without the code are faster and nearly empty the shelf."""
KEYS = CARTS * 9 // 16
"""Of each variant: the carts ask for about a third more."""
MONEY = 20_000
_SEED = 20261129
_FILL = text("""
    WITH filled AS (INSERT INTO carts (user_id, version) VALUES (:buyer, 1))
    INSERT INTO cart_lines (id, user_id, variant_id, quantity, seen_amount, currency, added_at)
    SELECT uuidv7(), :buyer, variant_id, quantity, 1, 'USD', now()
    FROM unnest(CAST(:variants AS uuid[]), CAST(:quantities AS bigint[])) AS wanted (variant_id, quantity)
""")


async def _count(services: Services, query: str) -> int:
    async with services.uow.read() as tx:
        return int((await tx.execute(text(query))).scalar_one() or 0)


class Rush:
    """The goods, the code, and what each buyer does."""

    def __init__(self, services: Services, seed: int) -> None:
        self.services = services
        self.chance = random.Random(seed)
        self.shelf: list[VariantId] = []
        self.codes: list[PromoCodeId] = []
        self.left: list[tuple[Actor, OrderRef]] = []
        """Reservations that nobody paid or cancelled."""

    async def open(self, somebody: Actor) -> None:
        """Three variants of unique keys, two shared keys with a number and one without."""
        catalog = catalog_services(self.services.uow, self.services.ring)
        for slug, number in (("seat", str(KEYS)), ("desk", str(KEYS)), ("site", "unlimited")):
            self.shelf.append(await add_shared(catalog, slug, number, f"SECRET-{slug}"))
        async with self.services.uow() as tx:
            for _ in range(3):
                goods = await add_goods(tx, self.services.ring, keys=KEYS, price=700, low_stock_at=KEYS // 3)
                self.shelf.append(goods.variant_id)
        promo = await add_promo(self.services, NewPromo(code="RUSH", basis_points=1000, uses=USES))
        self.codes = await typed(self.services, somebody, promo.code)

    async def fill(self, buyer: Actor) -> list[RequestedLine]:
        """What somebody has in their cart."""
        some = self.chance.sample(self.shelf, self.chance.randint(1, 5))
        lines = [RequestedLine(variant_id, self.chance.randint(1, 2)) for variant_id in some]
        values = {"variants": [item.variant_id for item in lines], "quantities": [item.quantity for item in lines]}
        async with self.services.uow() as tx:
            await tx.execute(_FILL, {"buyer": buyer.id, **values})
        return lines

    async def buy(self, number: int, buyer: Actor, lines: list[RequestedLine]) -> object:
        """One checkout: from the wallet, or reserved and then paid, cancelled or left; half of them with the code."""
        checkout, key, codes = self.services.orders.checkout, f"rush-{number:08}", self.codes if number % 2 else []
        if number % 3:
            return await checkout.place_all(buyer, lines, key, codes=codes, cart=1)
        ref = await checkout.reserve_all(buyer, lines, key, codes=codes, cart=1, hold=number % 4 == 0)
        match number // 3 % 3:
            case 0:
                await self.services.orders.settlement.pay(buyer, ref.number)
            case 1:
                await self.services.orders.reservations.cancel(buyer, ref.number)
            case _:
                self.left.append((buyer, ref))
        return ref

    async def insist(self, number: int, buyer: Actor, lines: list[RequestedLine]) -> object:
        """As the app does where all connections of the pool are in use: ask again, with the same key."""
        while True:
            try:
                return await self.buy(number, buyer, lines)
            except Unavailable as busy:
                if "no database connection" not in str(busy):
                    raise
            except OrderNotPayable:  # cancelled by the request before, whose answer was lost
                return None

    async def money_comes_late(self, buyer: Actor, ref: OrderRef) -> None:
        """The payment of an order whose reservation has expired."""
        event = TopUpSucceeded(
            intent_id=IntentId(ref.id), user_id=buyer.id, order_id=ref.id, method="demo", amount=1, balance=1,
            currency=USD, status=IntentStatus.SUCCEEDED,
        )  # fmt: skip
        await self.services.orders.settlement.settle_payment(event)


@pytest.mark.long("a thousand carts, if asked for")
async def test_carts_in_random_order_neither_deadlock_nor_oversell(services: Services, clock: FakeClock) -> None:
    rush = Rush(services, _SEED)
    people = await buyers(services.uow, CARTS, MONEY)
    await rush.open(people[0])
    carts = [await rush.fill(buyer) for buyer in people]
    with capture_logs() as logs:
        results = await asyncio.gather(
            *(rush.insist(n, buyer, lines) for n, (buyer, lines) in enumerate(zip(people, carts, strict=True))),
            return_exceptions=True,
        )
        clock.move(minutes=20)
        assert await services.orders.reservations.expire_lapsed() == len(rush.left)
        late = asyncio.gather(*(rush.money_comes_late(*left) for left in rush.left))
        again = [n for n, result in enumerate(results) if isinstance(result, PromoCodeRefused)]
        # Who was refused a code buys without it, while what was left is paid late: with its code, if it has any left.
        rush.codes = []
        results += await asyncio.gather(*(rush.insist(n, people[n], carts[n]) for n in again), return_exceptions=True)
        await late
    refusals = Counter(type(result) for result in results if isinstance(result, BaseException))
    assert set(refusals) <= {SoldOut, PromoCodeRefused, InsufficientFunds, ReservationTooLarge}, refusals
    assert refusals[SoldOut]
    assert refusals[PromoCodeRefused]
    assert [entry for entry in logs if entry["event"] == "transaction.lost"] == []
    clock.move(minutes=20)
    await services.orders.reservations.expire_lapsed()
    await _nothing_is_sold_twice(services)
    await _uses_are_those_of_paid_orders(services)
    assert (await services.wallet.ledger.verify(SYSTEM)).differences == []
    people_have = "SELECT sum(balance) FROM ledger_accounts WHERE user_id IS NOT NULL"
    paid = "SELECT sum(total_amount) FROM orders WHERE status = 'delivered'"
    assert await _count(services, people_have) + await _count(services, paid) == CARTS * MONEY
    # A cart is bought whole or stays as it was.
    ordered = "SELECT count(*) FROM cart_lines WHERE user_id IN (SELECT user_id FROM orders)"
    assert await _count(services, ordered) == 0
    bought = await _count(services, "SELECT count(DISTINCT user_id) FROM orders")
    full = "SELECT count(*) FROM carts WHERE version = 1 AND user_id IN (SELECT user_id FROM cart_lines)"
    assert await _count(services, full) == CARTS - bought


async def _nothing_is_sold_twice(services: Services) -> None:
    delivered = "SELECT sum(quantity) FROM order_lines WHERE status = 'delivered' AND kind = '{}'"
    sold = "SELECT count(*) FROM stock_keys WHERE state = 'sold'"
    assert await _count(services, sold) == await _count(services, delivered.format("unique_keys"))
    assert await _count(services, "SELECT count(*) FROM stock_keys WHERE state = 'reserved'") == 0
    shared = "SELECT sum(quantity) FROM shared_key_lines WHERE state = 'sold'"
    assert await _count(services, shared) == await _count(services, delivered.format("shared_key"))
    assert await _count(services, "SELECT count(*) FROM shared_key_lines WHERE state = 'reserved'") == 0
    apart = f"""SELECT count(*) FROM shared_keys s WHERE remaining + (
        SELECT coalesce(sum(quantity), 0) FROM shared_key_lines l WHERE l.variant_id = s.variant_id) <> {KEYS}"""
    assert await _count(services, apart) == 0
    mixed = "SELECT count(*) FROM (SELECT 1 FROM order_lines GROUP BY order_id HAVING count(DISTINCT status) > 1) m"
    assert await _count(services, mixed) == 0


async def _uses_are_those_of_paid_orders(services: Services) -> None:
    used = await _count(services, "SELECT used FROM promo_codes")
    assert 0 < used <= USES
    assert used == await _count(services, "SELECT count(*) FROM promo_uses WHERE released_at IS NULL")
    of_paid = """SELECT count(*) FROM promo_uses u JOIN orders o ON o.id = u.order_id
                 WHERE u.released_at IS NULL AND o.status = 'delivered'"""
    assert used == await _count(services, of_paid)
    reduced = """SELECT count(DISTINCT order_id) FROM order_lines
                 WHERE promo_part < 0 AND status = 'delivered'"""
    assert used == await _count(services, reduced)
