"""A shop lived through at random, against a model of three dictionaries: money, stock and orders always agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import text

from backend.catalog.errors import SoldOut
from backend.catalog.types import StockKind
from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.orders.errors import OrderNotPayable, ReservationsPaused, TooManyReservations
from backend.orders.types import OrderStatus, RefundTarget, RequestedLine
from backend.orders.types.lines import LineQuantity
from backend.payments.errors import RefundTooMuch
from backend.wallet.errors import InsufficientFunds
from tests.backend.orders.life import HOLD, Life
from tests.factories.shop import Goods, add_goods, stock_up
from tests.factories.wallet import usd
from tests.fakes.fulfiller import FakeGoods
from tests.machines import lives

PRICES = (720, 299, 150)
FAKE = 2
"""The third product is of another kind."""
WHO = st.integers(0, 2)
WHAT = st.integers(0, 2)
LINES = st.lists(st.tuples(WHAT, st.integers(1, 3)), min_size=1, max_size=3, unique_by=lambda line: line[0])
Lines = list[tuple[int, int]]


class Shop(Life):
    """Three products of two kinds."""

    placed_orders = Bundle("orders_made")

    def __init__(self) -> None:
        self.fake = FakeGoods()
        self.more = [self.fake]
        super().__init__()
        self.money = [0, 0, 0]
        self.free = [0, 0, 0]
        self.placed: dict[str, tuple[int, Lines, OrderStatus, Any]] = {}
        self.back: dict[str, list[tuple[int, int]]] = {}
        """Of each line of a refunded order: how many went back, and how much."""
        self.lapsed: list[tuple[int, Any]] = []

    async def open(self) -> None:
        """Three products, nothing in stock."""
        self.goods: list[Goods] = []
        async with self.uow() as tx:
            await self.fake.create(tx)
            for what, price in enumerate(PRICES):
                kind = self.fake.kind if what == FAKE else StockKind.UNIQUE_KEYS.value
                self.goods.append(await add_goods(tx, self.ring, keys=0, price=price, kind=kind))

    def _expected(self, who: int, lines: Lines, *, pays: bool) -> type[Exception] | None:
        what, count = lines[0]
        sold_out = any(self.free[what] < count for what, count in lines)
        # A reservation's bounds are checked with its first line, for which only keys are counted.
        if sold_out and (pays or (what != FAKE and self.free[what] < count)):
            return SoldOut
        waiting = [o for o in self.placed.values() if o[0] == who and o[2] is OrderStatus.AWAITING_PAYMENT]
        day = self.clock.now() - timedelta(hours=24)
        lapses = sum(1 for person, begun in self.lapsed if person == who and begun >= day)
        if not pays and lapses >= 4:
            return ReservationsPaused
        if not pays and len(waiting) >= max(3 - lapses, 1):
            return TooManyReservations
        if sold_out:
            return SoldOut
        if pays and self.money[who] < price(lines):
            return InsufficientFunds
        return None

    @initialize()
    def begin(self) -> None:
        """Something on the shelf, something in the pocket."""
        self.restock(0, 3)
        self.restock(FAKE, 2)
        self.top_up(0, 2000)

    @rule(who=WHO, cents=st.integers(1, 3000))
    def top_up(self, who: int, cents: int) -> None:
        """Money comes in."""
        self.run(self.add_money(who, cents))
        self.money[who] += cents

    @rule(what=WHAT, count=st.integers(1, 4))
    def restock(self, what: int, count: int) -> None:
        """Keys come in."""
        stem = self.tap("K")

        async def work() -> None:
            async with self.uow() as tx:
                if what == FAKE:
                    await self.fake.restock(tx, self.goods[what].variant_id, count)
                    return
                keys = [f"{stem}-{number}" for number in range(count)]
                await stock_up(tx, self.ring, self.goods[what].variant_id, keys)

        self.run(work())
        self.free[what] += count

    @rule(target=placed_orders, who=WHO, lines=LINES, twice=st.booleans())
    def buy(self, who: int, lines: Lines, twice: bool) -> Any:
        """Buy from the wallet, perhaps with a double tap."""
        return self._order(who, lines, pays=True, twice=twice)

    @rule(target=placed_orders, who=WHO, lines=LINES, twice=st.booleans())
    def reserve(self, who: int, lines: Lines, twice: bool) -> Any:
        """Have goods kept."""
        return self._order(who, lines, pays=False, twice=twice)

    def _move(self, lines: Lines, by: int) -> None:
        for what, count in lines:
            self.free[what] += by * count

    def _order(self, who: int, lines: Lines, *, pays: bool, twice: bool) -> Any:
        verb = self.orders.checkout.place_all if pays else self.orders.checkout.reserve_all
        requested, key = [RequestedLine(self.goods[what].variant_id, n) for what, n in lines], self.tap()
        expected = self._expected(who, lines, pays=pays)
        try:
            order = self.run(verb(self.people[who], requested, key))
        except (SoldOut, InsufficientFunds, TooManyReservations, ReservationsPaused) as refusal:
            assert type(refusal) is expected
            return multiple()
        assert expected is None
        if twice:
            assert self.run(verb(self.people[who], requested, key)) == order
        self._move(lines, -1)
        if pays:
            self.money[who] -= price(lines)
        status = OrderStatus.DELIVERED if pays else OrderStatus.AWAITING_PAYMENT
        self.placed[order.number] = (who, lines, status, self.clock.now() + HOLD)
        return order.number

    @rule(number=placed_orders)
    def pay(self, number: str) -> None:
        """Pay what waits; what is paid stays paid, what lapsed stays lapsed."""
        who, lines, status, until = self.placed[number]
        waits = status is OrderStatus.AWAITING_PAYMENT and self.clock.now() < until
        try:
            self.run(self.orders.settlement.pay(self.people[who], number))
        except OrderNotPayable:
            assert not waits
            assert status is not OrderStatus.DELIVERED
        except InsufficientFunds:
            assert waits
            assert self.money[who] < price(lines)
        else:
            if status is not OrderStatus.DELIVERED:
                assert waits
                self.money[who] -= price(lines)
                self.placed[number] = (who, lines, OrderStatus.DELIVERED, until)

    @rule(number=placed_orders)
    def cancel(self, number: str) -> None:
        """Give up what waits."""
        who, lines, status, until = self.placed[number]
        try:
            self.run(self.orders.reservations.cancel(self.people[who], number))
        except OrderNotPayable:
            assert status in {OrderStatus.DELIVERED, OrderStatus.REFUNDED}
            return
        if status is OrderStatus.AWAITING_PAYMENT:
            self._move(lines, 1)
            self.placed[number] = (who, lines, OrderStatus.CANCELLED, until)
            if self.clock.now() >= until - HOLD / 2:
                self.lapsed.append((who, until - HOLD))

    @rule(number=placed_orders, place=st.integers(0, 2), count=st.integers(1, 3), twice=st.booleans())
    def refund_line(self, number: str, place: int, count: int, twice: bool) -> None:
        """So many of a line go back, if the order is paid and has them left; what is counted returns to the stock."""
        who, lines, status, _ = self.placed[number]
        place = min(place, len(lines) - 1)
        what, bought = lines[place]
        back = self.back.get(number) or [(0, 0)] * len(lines)
        units, cents = back[place]
        # An amount that went back before has lowered what the line has left.
        amount = min(PRICES[what] * count, PRICES[what] * bought - cents)
        expected: type[Exception] | None = None
        if status not in {OrderStatus.DELIVERED, OrderStatus.REFUNDED}:
            expected = OrderNotPayable
        elif count > bought - units or not amount:
            expected = RefundTooMuch
        line = self.run(self.orders.history.detail(self.people[who], number)).lines[place]
        if not self._refunds(number, [LineQuantity(line.id, count)], expected, twice=twice):
            return
        back[place] = (units + count, cents + amount)
        self._went_back(number, back, amount)
        if what == FAKE:
            self.free[FAKE] += count

    @rule(number=placed_orders, cents=st.integers(1, 1500), twice=st.booleans())
    def refund_amount(self, number: str, cents: int, twice: bool) -> None:
        """An amount goes back, shared out to the lines; all goods go with the last of it."""
        who, lines, status, _ = self.placed[number]
        back = self.back.get(number) or [(0, 0)] * len(lines)
        left = price(lines) - sum(amount for _, amount in back)
        expected: type[Exception] | None = None
        if status not in {OrderStatus.DELIVERED, OrderStatus.REFUNDED}:
            expected = OrderNotPayable
        elif cents > left:
            expected = RefundTooMuch
        if not self._refunds(number, usd(cents), expected, twice=twice):
            return
        shown = self.run(self.orders.history.detail(self.people[who], number)).lines
        after = [(line.refunded_quantity, line.refunded.amount) for line in shown]
        shares = [later[1] - earlier[1] for later, earlier in zip(after, back, strict=True)]
        assert sum(shares) == cents
        for (what, bought), (units, amount), share in zip(lines, back, shares, strict=True):
            line_left = PRICES[what] * bought - amount
            assert 0 <= share <= line_left
            assert abs(share - line_left * cents / left) < 1
            if cents == left and what == FAKE:
                self.free[FAKE] += bought - units
        for (units, _), (before, _), (_, bought) in zip(after, back, lines, strict=True):
            assert units == (bought if cents == left else before)
        self._went_back(number, after, cents)

    def _refunds(self, number: str, requested: Any, expected: type[Exception] | None, *, twice: bool) -> bool:
        """Whether the refund is made, once however often it is asked for; it is refused as expected."""
        key = self.tap("refund")
        try:
            for _ in range(1 + twice):
                self.run(
                    self.orders.refunds.refund(
                        Actor.system(), number, requested, RefundTarget.WALLET, "why", idempotency_key=key
                    )
                )
        except (OrderNotPayable, RefundTooMuch) as refusal:
            assert type(refusal) is expected
            return False
        assert expected is None
        return True

    def _went_back(self, number: str, back: list[tuple[int, int]], cents: int) -> None:
        who, lines, _, until = self.placed[number]
        self.back[number], self.money[who] = back, self.money[who] + cents
        gone = all(units == bought for (units, _), (_, bought) in zip(back, lines, strict=True))
        if gone and sum(amount for _, amount in back) == price(lines):
            self.placed[number] = (who, lines, OrderStatus.REFUNDED, until)

    @rule(minutes=st.integers(1, 20))
    def time_passes(self, minutes: int) -> None:
        """An ended order stays ended."""
        self.clock.move(minutes=minutes)
        over = [
            (number, order)
            for number, order in self.placed.items()
            if order[2] is OrderStatus.AWAITING_PAYMENT and order[3] <= self.clock.now()
        ]
        assert self.run(self.orders.reservations.expire_lapsed()) == len(over)
        for number, (who, lines, _, until) in over:
            self._move(lines, 1)
            self.placed[number] = (who, lines, OrderStatus.EXPIRED, until)
            self.lapsed.append((who, until - HOLD))

    @invariant()
    def all_agrees(self) -> None:
        """Money, stock, orders and the ledger, against the model."""

        async def look() -> tuple[list[int], list[int], dict[str, OrderStatus], list[Any]]:
            overview = [(await self.wallet.statement.overview(person)).balance.amount for person in self.people]
            free = []
            async with self.uow.read() as tx:
                for goods in self.goods[:FAKE]:
                    count = text("SELECT count(*) FROM stock_keys WHERE variant_id = :v AND state = 'available'")
                    free.append(int((await tx.execute(count, {"v": goods.variant_id})).scalar_one()))
                free.append(await self.fake.left(tx, self.goods[FAKE].variant_id))
                sold = (await tx.execute(text("SELECT count(*), count(DISTINCT id) FROM stock_keys"))).one()
                assert sold[0] == sold[1]
            status_of = {}
            for number, (who, lines, _, _) in self.placed.items():
                order = await self.orders.history.detail(self.people[who], number)
                status_of[number] = order.status
                back = self.back.get(number) or [(0, 0)] * len(lines)
                there = [line for line, (units, _) in zip(lines, back, strict=True) if units < line[1]]
                count = sum(1 if what == FAKE else n for what, n in there)
                assert len(order.keys) == (count if order.status is OrderStatus.DELIVERED else 0)
                assert [(line.refunded_quantity, line.refunded.amount) for line in order.lines] == back
                assert order.refunded.amount == sum(amount for _, amount in back)
            return overview, free, status_of, await self.differences()

        money, free, status_of, differences = self.run(look())
        assert money == self.money
        assert free == self.free
        assert status_of == {number: order[2] for number, order in self.placed.items()}
        assert differences == []


def price(lines: Lines) -> int:
    return sum(PRICES[what] * count for what, count in lines)


@pytest.mark.long("four hundred lives, if asked for")
def test_the_shop_agrees_with_its_model(settings: Settings) -> None:
    """The same few lives of the shop each time; ``SOUK_EXAMPLES=400`` for many, other ones each time."""
    Shop.config = settings
    run_state_machine_as_test(Shop, settings=lives(few=5))
