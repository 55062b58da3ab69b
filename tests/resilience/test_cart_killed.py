"""A cart of every kind, paid half from the wallet and half by a provider, while processes die between its steps.

The web dies at each step of the buyer's one tap, the worker at each step of paying and of ending the goods by hand; the
buyer taps again and the jobs come again. In the end everything has happened once.
"""

from __future__ import annotations

import signal

import httpx
import pytest

from backend.catalog.types import StockKind
from backend.growth.types.promos import NewPromo
from backend.identity.types import Actor
from backend.orders.types import OrderFilter, OrderStatus, OrderView
from backend.payments.types import Intent
from tests.bot.telegram import NADIA
from tests.factories.promos import add_promo
from tests.factories.shop import Goods, share
from tests.resilience.ground import Buyer, Ground
from tests.resilience.processes import Fuse, alive, descendants, until
from tests.resilience.sale import notify
from tests.webapp.orders import carts

_IN_THE_WEB = {"orders.goods_reserved": 0, "orders.money_held": 0, "payments.begun": 1, "payments.opened": 1}
"""Where the web dies at the tap, and how many orders there are after that."""
_IN_THE_WORKER = ("orders.settle_before", "orders.goods_delivered", "orders.money_taken", "orders.settled")
_HELD = 500
_PRICES = {StockKind.UNIQUE_KEYS: 700, StockKind.SHARED_KEY: 450, StockKind.PREMIUM: 333}
_WORK = 1000
"""The price of each of the two goods by hand."""
_TOTAL = (sum(_PRICES.values()) + 2 * _WORK) * 9 // 10 + 1
_SEATS = 5
_STOCK = """
    SELECT (SELECT count(*) FROM stock_keys WHERE state = 'sold'), (SELECT remaining FROM shared_keys),
           (SELECT count(*) FROM hand_work), (SELECT sum(months) FROM premium_grants),
           (SELECT used FROM promo_codes), (SELECT count(*) FROM orders), (SELECT count(*) FROM wallet_holds),
           (SELECT count(*) FROM cart_lines)
"""
_UNTOUCHED = (0, _SEATS, 0, None, 0, 0, 0, 5)


class Scene:
    """The shop, a buyer with five things in the cart, and an admin."""

    def __init__(self, ground: Ground, fuse: Fuse) -> None:
        self.ground = ground
        self.fuse = fuse
        self.work: list[Goods] = []

    async def open(self) -> None:
        """Stock everything, and fill the cart."""
        ground = self.ground
        goods = [await ground.goods(price=price, kind=kind.value, keys=3 if kind is StockKind.UNIQUE_KEYS else 0,
                                    premium_months=2 if kind is StockKind.PREMIUM else None)
                 for kind, price in _PRICES.items()]  # fmt: skip
        self.work = [await ground.goods(price=_WORK, kind=StockKind.BY_HAND.value, keys=0) for _ in range(2)]
        async with ground.services.uow() as tx:
            await share(tx, ground.services.ring, goods[1].variant_id, _SEATS)
        await add_promo(ground.services, NewPromo(code="TENTH", basis_points=1000, uses=5))
        self.buyer: Buyer = await ground.buyer(_HELD)
        for thing in (*goods, *self.work):
            await ground.services.orders.cart.add(self.buyer.actor, thing.variant_id, 1)
        root = await ground.services.identity.access.actor_by_telegram_id(NADIA)
        assert root is not None
        self.admin: Actor = root

    async def stock(self) -> tuple[object, ...]:
        """What there is of everything that a purchase changes."""
        return tuple((await self.ground.rows(_STOCK))[0])

    async def web_dies(self, place: str, sheet: httpx.Response) -> None:
        """The buyer taps, and gets no answer."""
        web = self.ground.web
        self.fuse.lay(place)
        web.start()
        await web.ready()
        victims = descendants(web.pid)
        with pytest.raises(httpx.TransportError):
            await carts.pay(self.buyer.visitor, sheet, method="demo")
        await self.fuse.blown(place)

        async def one_is_gone() -> bool:
            return not all(alive(pid) for pid in victims)

        await until(one_is_gone)
        web.strike()
        await web.ended()
        await self.ground.rows("UPDATE payment_intents SET leased_until = now()")  # the dead process's lease ends

    async def worker_dies(self, place: str) -> None:
        """The worker takes the job that waits, and does not come to its end."""
        self.fuse.lay(place)
        self.ground.worker.start()
        await self.fuse.blown(place)
        assert await self.ground.worker.ended() == -signal.SIGKILL
        await self.ground.long_afterwards()
        await self.ground.books_balance()

    async def order(self) -> OrderView:
        """The one order."""
        (row,) = (await self.ground.services.orders.history.list_mine(self.buyer.actor, OrderFilter.ALL, None)).items
        return await self.ground.services.orders.history.detail(self.buyer.actor, row.number)

    async def reaches(self, status: OrderStatus) -> OrderView:
        """The order, as soon as it has the status and no job is left."""
        await self.ground.all_done()
        order = await self.order()
        assert order.status is status
        return order


async def test_each_step_of_a_mixed_payment_of_a_cart(ground: Ground, fuse: Fuse) -> None:
    scene, web = Scene(ground, fuse), ground.web
    await scene.open()
    assert await scene.stock() == _UNTOUCHED
    web.start()
    await web.ready()
    sheet = await carts.sheet_of(scene.buyer.visitor, "?promo=TENTH")
    web.strike()
    await web.ended()
    for place, orders in _IN_THE_WEB.items():
        await scene.web_dies(place, sheet)
        reserved = (0, _SEATS - 1, 2, 2, 1, 1, 1, 0)
        assert await scene.stock() == (reserved if orders else _UNTOUCHED), place
        await ground.books_balance()
    web.start()
    await web.ready()
    for _ in range(2):
        assert (await carts.pay(scene.buyer.visitor, sheet, method="demo")).status_code == 200
    intent: Intent
    (intent,) = await ground.services.payments.intents.list_mine(scene.buyer.actor)
    assert intent.amount.amount == _TOTAL - _HELD
    assert await notify(ground, intent) == 200
    for place in _IN_THE_WORKER:
        await scene.worker_dies(place)
        assert (await scene.order()).status is OrderStatus.AWAITING_PAYMENT, place
    ground.worker.start()
    paid = await scene.reaches(OrderStatus.PAID)
    ground.worker.strike()
    await ground.worker.ended()
    await _the_goods_by_hand_end(scene, paid)
    assert await notify(ground, intent) == 200
    refunded = await scene.reaches(OrderStatus.DELIVERED)
    assert await scene.stock() == (1, _SEATS - 1, 2, 2, 1, 1, 1, 0)
    balance = (await ground.services.wallet.statement.overview(scene.buyer.actor)).balance.amount
    assert balance == refunded.refunded.amount == _WORK * 9 // 10
    assert await ground.count("SELECT count(*) FROM wallet_holds WHERE status = 'captured'") == 1
    assert await ground.count("SELECT credited FROM payment_intents") == _TOTAL - _HELD
    assert await ground.count("SELECT count(*) FROM premium_periods WHERE months = 2") == 1
    twice = "SELECT count(*) FROM (SELECT FROM order_events GROUP BY step, line_id HAVING count(*) > 1) e"
    assert await ground.count(twice) == 0
    await ground.books_balance()


async def _the_goods_by_hand_end(scene: Scene, order: OrderView) -> None:
    """One is delivered, one is refused; the worker dies each time before it has told the order."""
    done, refused = (line.id for line in order.lines if line.price.unit_price.amount == _WORK)
    hands = scene.ground.services.catalog.hand_work
    for line_id in (done, refused):
        await hands.take(scene.admin, line_id)
    await hands.deliver_text(scene.admin, done, "made by hand")
    await scene.worker_dies("orders.line_settled")
    await hands.refuse(scene.admin, refused, "out of paper")
    await scene.worker_dies("orders.line_settled")
    scene.ground.worker.start()
