"""Web and worker killed with -9 between each pair of a payment's steps: every payment ends right, once.

The places are named in the code (``failpoint``); the process dies there by SIGKILL, once. The provider does what
providers do: it sends its signed webhook again until somebody answers 200.
"""

from __future__ import annotations

import functools
import signal

import pytest

from backend.growth.types import NewBonusRule
from backend.identity.types import Actor
from backend.orders.types import OrderRef, RefundTarget
from backend.payments.types import Intent
from tests.bot.telegram import NADIA
from tests.factories.identity import contact
from tests.factories.shop import Goods
from tests.factories.wallet import usd
from tests.resilience.ground import Buyer, Ground
from tests.resilience.processes import Fuse, alive, descendants, until
from tests.resilience.sale import notify

_PRICE = 1000
_HELD = 300
"""Of the price, what the wallet has: the rest comes by the provider."""
_REST = _PRICE - _HELD
_STEPS = ("payments.stored", "payments.applied", "payments.committed")
_MINE = "task LIKE 'payments.%' OR task LIKE 'orders.%' OR task LIKE 'growth.%'"


_TOP_UP = 2000
_BONUS = 200


class Sale:
    """One order, paid by two: the wallet's part is held, the rest is begun at the provider."""

    def __init__(self, buyer: Buyer, order: OrderRef, intent: Intent) -> None:
        self.buyer = buyer
        self.order = order
        self.intent = intent


class Counter:
    """The shop's counter, beside which processes die."""

    def __init__(self, ground: Ground, goods: Goods, fuse: Fuse) -> None:
        self.ground = ground
        self.goods = goods
        self.fuse = fuse
        self.sales: list[Sale] = []
        self.top_ups: list[Intent] = []

    async def begin(self) -> Sale:
        """A buyer orders with too little in their wallet."""
        services = self.ground.services
        buyer = await self.ground.buyer(_HELD)
        order = await services.orders.checkout.reserve(buyer.actor, self.goods.variant_id, 1, "tap-0000001", hold=True)
        intent = await services.payments.intents.start_top_up(
            buyer.actor, "demo", usd(_REST), order.id, idempotency_key="tap-0000001"
        )
        sale = Sale(buyer, order, intent)
        self.sales.append(sale)
        return sale

    async def top_up(self) -> Intent:
        """A buyer tops up their wallet, with a bonus of ten percent."""
        services, buyer = self.ground.services, await self.ground.buyer()
        root = await services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
        await services.growth.bonuses.add_rule(root, NewBonusRule(minimum=usd(_TOP_UP), basis_points=1000))
        intent = await services.payments.intents.start_top_up(
            buyer.actor, "demo", usd(_TOP_UP), idempotency_key="tap-0000001"
        )
        self.top_ups.append(intent)
        return intent

    async def notify(self, paid: Sale | Intent, *, until_taken: bool = True) -> int:
        """The provider's webhook: what was answered in the end, and 0 for no answer at all."""
        return await notify(self.ground, paid.intent if isinstance(paid, Sale) else paid, until_taken=until_taken)

    async def paid_at_the_provider(self, sale: Sale) -> None:
        """No webhook comes, but a status query says that it is paid, and one is due now."""
        later = "UPDATE payment_intents SET created_at = created_at - interval '1 minute' WHERE id = $1"
        await self.ground.rows(later, sale.intent.id)
        due = "UPDATE outbox_jobs SET run_at = now() WHERE unique_key = $1"
        await self.ground.rows(due, f"payments.poll:{sale.intent.id}:0")

    async def all_done(self) -> None:
        """No job of payments, orders and bonuses is left, and none has failed for good."""
        waiting = f"SELECT count(*) FROM outbox_jobs WHERE done_at IS NULL AND dead_at IS NULL AND ({_MINE})"

        async def nothing_left() -> bool:
            return not await self.ground.count(waiting)

        await until(nothing_left, 90)
        dead = await self.ground.rows(
            f"SELECT task, last_error FROM outbox_jobs WHERE dead_at IS NOT NULL AND ({_MINE})"
        )
        assert not dead

    async def assert_each_is_paid_once(self, refunded: int = 0) -> None:
        """Every order delivered, every payment credited, every hold captured, all of it once; the ledger proves it."""
        count = len(self.sales)
        begun = [*(sale.intent for sale in self.sales), *self.top_ups]
        intents = await self.ground.rows("SELECT credited, received FROM payment_intents ORDER BY id")
        expected = [intent.amount.amount for intent in sorted(begun, key=lambda intent: intent.id)]
        assert [(row["credited"], row["received"]) for row in intents] == [(cents, cents) for cents in expected]
        events = await self.ground.rows("SELECT intent_id FROM payment_events WHERE outcome = 'applied'")
        assert sorted(row["intent_id"] for row in events) == sorted(intent.id for intent in begun)
        orders = await self.ground.rows("SELECT status, total_amount FROM orders")
        assert [row["total_amount"] for row in orders] == [_PRICE] * count
        assert {row["status"] for row in orders} <= {"delivered", "refunded"}
        assert await self.ground.count("SELECT count(*) FROM stock_keys WHERE state = 'sold'") == count
        assert await self.ground.count("SELECT count(*) FROM wallet_holds WHERE status = 'captured'") == count
        assert await self.ground.count("SELECT count(*) FROM wallet_holds") == count
        accounts = {
            row.name: row.balance for row in await self.ground.services.wallet.ledger.shop_accounts(Actor.system())
        }
        # What people were given at the start came from the same provider.
        topped_up = len(self.top_ups) * _TOP_UP
        assert accounts["provider:demo"] == usd(refunded - count * _PRICE - topped_up)
        people = await self.ground.count("SELECT coalesce(sum(balance), 0)::bigint FROM ledger_accounts"
                                         " WHERE user_id IS NOT NULL")  # fmt: skip
        assert people == topped_up + len(self.top_ups) * _BONUS
        await self.ground.books_balance()


@pytest.fixture
async def counter(ground: Ground, fuse: Fuse) -> Counter:
    """A counter with enough on the shelf."""
    return Counter(ground, await ground.goods(keys=20, price=_PRICE), fuse)


async def test_the_web_dies_between_the_steps_of_a_webhook(counter: Counter) -> None:
    """Inside the transaction twice, and once between the commit and the answer."""
    ground = counter.ground
    for place in _STEPS:
        counter.fuse.lay(place)
        ground.web.start()
        await ground.web.ready()
        victims = descendants(ground.web.pid)
        sale = await counter.begin()
        assert await counter.notify(sale, until_taken=False) == 0, "no answer comes from the dead"
        await counter.fuse.blown(place)
        await until(functools.partial(_one_is_gone, victims))
        # If no failpoint was hit: the whole process is killed, as in a power cut, and started again.
        ground.web.strike()
        await ground.web.ended()
        credited = await ground.count("SELECT credited FROM payment_intents WHERE id = $1", sale.intent.id)
        assert credited == (_REST if place == "payments.committed" else 0)
    ground.web.start()
    await ground.web.ready()
    for sale in counter.sales:
        assert [await counter.notify(sale) for _ in range(3)] == [200, 200, 200]
    ground.worker.start()
    await counter.all_done()
    await counter.assert_each_is_paid_once()


async def _one_is_gone(pids: list[int]) -> bool:
    return not all(alive(pid) for pid in pids)


async def _worker_dies(counter: Counter, place: str) -> None:
    await counter.fuse.blown(place)
    assert await counter.ground.worker.ended() == -signal.SIGKILL


async def test_the_worker_dies_between_the_steps_of_payments_orders_and_refunds(counter: Counter) -> None:
    """While it asks the provider, pays the order, gives a bonus, and on both sides of a refund's departure."""
    ground, worker = counter.ground, counter.ground.worker
    for place in _STEPS:
        sale = await counter.begin()
        await counter.paid_at_the_provider(sale)
        counter.fuse.lay(place)
        worker.start()
        await _worker_dies(counter, place)

    ground.web.start()
    await ground.web.ready()
    for place in ("orders.settle_before", "orders.settled"):
        sale = await counter.begin()
        counter.fuse.lay(place)
        worker.start()
        assert await counter.notify(sale) == 200
        await _worker_dies(counter, place)

    topped_up = await counter.top_up()
    counter.fuse.lay("bonuses.moved")
    worker.start()
    assert await counter.notify(topped_up) == 200
    await _worker_dies(counter, "bonuses.moved")

    parts = {"refunds.before_sending": _REST, "refunds.sent": 250}
    for place, cents in parts.items():
        sale = await counter.begin()
        assert await counter.notify(sale) == 200
        await ground.services.orders.settlement.pay(sale.buyer.actor, sale.order.number)
        await ground.services.orders.refunds.refund(
            Actor.system(), sale.order.number, usd(cents), RefundTarget.PROVIDER, "asked for", idempotency_key=place
        )
        counter.fuse.lay(place)
        worker.start()
        await _worker_dies(counter, place)
        assert await ground.count("SELECT count(*) FROM payment_refunds WHERE status = 'pending'") >= 1
        await ground.books_balance()

    await ground.long_afterwards()
    worker.start()
    await counter.all_done()
    rows = await ground.rows("SELECT amount, status, external_id FROM payment_refunds ORDER BY id")
    assert [(row["amount"], row["status"]) for row in rows] == [(cents, "succeeded") for cents in parts.values()]
    assert len({row["external_id"] for row in rows}) == len(parts)
    back = await ground.rows("SELECT refunded FROM payment_intents WHERE refunded > 0 ORDER BY id")
    assert [row["refunded"] for row in back] == list(parts.values())
    await counter.assert_each_is_paid_once(refunded=sum(parts.values()))
