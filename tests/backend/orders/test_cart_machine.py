"""Carts lived through at random: kinds, promo codes, slow goods, refunds, changed prices; the laws always hold."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import text

from backend.catalog.errors import SoldOut, WorkEnded, WorkRefunded
from backend.catalog.service import HandWorkService
from backend.catalog.types import StockKind
from backend.catalog.types.fulfilment import LineFailed, LineFulfilled
from backend.growth.errors import PromoCodeRefused
from backend.growth.repository import promos
from backend.growth.types.promos import NewPromo, PromoCodeId
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.infra.storage import PrivateFiles
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderLineId
from backend.orders.errors import (
    CartChanged,
    OrderNotPayable,
    ReservationsPaused,
    ReservationTooLarge,
    TooManyReservations,
)
from backend.orders.types import RefundTarget
from backend.orders.types.lines import LineQuantity
from backend.payments.errors import RefundTooMuch
from backend.payments.types import IntentId, IntentStatus, TopUpSucceeded
from backend.wallet.errors import InsufficientFunds
from tests.backend.orders.cart_laws import BROKEN
from tests.backend.orders.life import PEOPLE, Life
from tests.factories.shop import Goods, add_goods, share, stock_up
from tests.factories.wallet import USD, usd
from tests.machines import lives

KINDS = (StockKind.UNIQUE_KEYS, StockKind.UNIQUE_KEYS, StockKind.SHARED_KEY, StockKind.BY_HAND,
         StockKind.PREMIUM)  # fmt: skip
PRICES = (720, 299, 451, 1000, 333)
SEATS = 5
PLACES = 4
WHO = st.integers(0, PEOPLE - 1)
WHAT = st.integers(0, len(KINDS) - 1)
COUNT = st.integers(1, 3)
LINES = st.lists(WHAT, min_size=1, max_size=4)
CODES = st.sampled_from([(), (0,), (0,), (1,), (0, 1)])
STALE = st.sampled_from([0, 0, 0, 0, 1])
NOT_NOW = (SoldOut, InsufficientFunds, PromoCodeRefused, TooManyReservations, ReservationsPaused, ReservationTooLarge)
_CODES = {"TENTH": NewPromo(code="TENTH", basis_points=1000, uses=3),
          "FIRST": NewPromo(code="FIRST", basis_points=3333, first_only=True)}  # fmt: skip
_EVENTS = {"orders.deliver_line": LineFulfilled, "orders.fail_line": LineFailed}


class Carts(Life):
    """Five products of four kinds, and two promo codes: one works three times, one for a first purchase."""

    placed = Bundle("placed")

    def __init__(self) -> None:
        super().__init__()
        self.carts: list[dict[int, int]] = [{} for _ in range(PEOPLE)]
        self.given = 0
        self.keys = [0, 0]
        self.hidden: set[int] = set()
        self.owner: dict[str, int] = {}

    async def open(self) -> None:
        """The goods, the codes, and an admin who prepares goods by hand."""
        self.work = HandWorkService(uow=self.uow, ring=self.ring, files=PrivateFiles(self.config.data_dir))  # type: ignore[arg-type]
        self.admin = msgspec.structs.replace(self.people[0], permissions=frozenset(Permission))
        self.goods: list[Goods] = []
        self.codes: list[PromoCodeId] = []
        async with self.uow() as tx:
            for kind, price in zip(KINDS, PRICES, strict=True):
                months = 2 if kind is StockKind.PREMIUM else None
                goods = await add_goods(tx, self.ring, keys=0, price=price, kind=kind.value, premium_months=months)
                self.goods.append(goods)
            await share(tx, self.ring, self.goods[2].variant_id, SEATS)
            places = {"v": self.goods[3].variant_id, "n": PLACES}
            await tx.execute(text("UPDATE variants SET open_places = :n WHERE id = :v"), places)
            for name, new in _CODES.items():
                promo_id = await promos.add_promo(tx, new, USD, None, f"promo-{name}")
                assert promo_id is not None
                await promos.add_codes(tx, promo_id, new.uses, [(name, name)])
                code_id = await promos.find_code(tx, name)
                assert code_id is not None
                self.codes.append(code_id)

    async def _sql(self, statement: str, **values: object) -> Any:
        async with self.uow() as tx:
            return await tx.execute(text(statement), values)

    @initialize()
    def begin(self) -> None:
        """Something in stock, something in each wallet and cart."""
        for what in (0, 1):
            self.restock(what, 8)
        for who in range(PEOPLE):
            self.top_up(who, 6000)
            self.put(who, who, 1)

    def top_up(self, who: int, cents: int) -> None:
        """Money comes in."""
        self.run(self.add_money(who, cents))
        self.given += cents

    @rule(what=st.integers(0, 1), count=COUNT)
    def restock(self, what: int, count: int) -> None:
        """Keys come in."""
        stem = self.tap("K")

        async def work() -> None:
            async with self.uow() as tx:
                await stock_up(tx, self.ring, self.goods[what].variant_id, [f"{stem}-{n}" for n in range(count)])

        self.run(work())
        self.keys[what] += count

    @rule(what=WHAT, cents=st.integers(1, 1500), hides=st.booleans())
    def change_goods(self, what: int, cents: int, hides: bool) -> None:
        """While a variant is in carts, its price changes, and it may be hidden; else it is shown again."""
        (self.hidden.add if hides else self.hidden.discard)(what)
        change = "UPDATE variants SET price_amount = :cents, hidden = :hides WHERE id = :v"
        self.run(self._sql(change, cents=cents, hides=hides, v=self.goods[what].variant_id))

    def put(self, who: int, what: int, count: int) -> None:
        """Put more of something into a cart."""
        try:
            self.run(self.orders.cart.add(self.people[who], self.goods[what].variant_id, count))
        except NotFound:
            assert what in self.hidden
        else:
            assert what not in self.hidden
            self.carts[who][what] = self.carts[who].get(what, 0) + count

    @rule(who=WHO, what=WHAT, count=COUNT, how=st.sampled_from(["more", "other", "out", "undo"]))
    def edit(self, who: int, what: int, count: int, how: str) -> None:
        """Put something into a cart, want another number of it, or take it out, perhaps to put it back."""
        person, variant_id = self.people[who], self.goods[what].variant_id
        if how == "more":
            self.put(who, what, count)
        elif how == "other":
            try:
                self.run(self.orders.cart.set_quantity(person, variant_id, count))
            except NotFound:
                assert what in self.hidden or what not in self.carts[who]
            else:
                self.carts[who][what] = count
        else:
            was = self.carts[who].pop(what, None)
            self.run(self.orders.cart.remove(person, variant_id))
            if how == "undo" and was is not None:
                self.run(self.orders.cart.put_back(person, variant_id))
                self.carts[who][what] = was

    @rule(target=placed, who=WHO, more=LINES, codes=CODES, stale=STALE, twice=st.booleans())
    def buy(self, who: int, more: list[int], codes: tuple[int, ...], stale: int, twice: bool) -> Any:
        """Put some things into a cart and buy it from the wallet."""

        async def place(person: Actor, *args: Any, **how: Any) -> str:
            return (await self.orders.checkout.place_all(person, *args, **how)).number

        return self._check_out(place, who, more, codes, stale, twice=twice)

    @rule(target=placed, who=WHO, more=LINES, codes=CODES, stale=STALE, twice=st.booleans(), hold=st.booleans())
    def reserve(self, who: int, more: list[int], codes: tuple[int, ...], stale: int, twice: bool, hold: bool) -> Any:
        """Put some things into a cart and reserve it, perhaps with money on hold."""

        async def place(person: Actor, *args: Any, **how: Any) -> str:
            return (await self.orders.checkout.reserve_all(person, *args, hold=hold, **how)).number

        return self._check_out(place, who, more, codes, stale, twice=twice)

    def _check_out(
        self, place: Any, who: int, more: list[int], codes: tuple[int, ...], stale: int, *, twice: bool
    ) -> Any:
        """Order what a cart has, with codes, at the total that was shown: all of it or nothing."""
        for what in more:
            self.put(who, what, 1)
        person, key, chosen = self.people[who], self.tap(), [self.codes[code] for code in codes]
        quote = self.run(self.orders.cart.quote(person, codes=chosen))
        lines = quote.cart.requested_lines
        if not lines:
            return multiple()
        how: dict[str, Any] = {"codes": chosen, "cart": quote.cart.version - stale, "confirmed": quote.due.total}
        number = ""
        try:
            for _ in range(1 + twice):
                number = self.run(place(person, lines, key, **how))
        except CartChanged:
            assert stale
            return multiple()
        except NOT_NOW as refusal:
            assert not number, refusal
            return multiple()
        assert not stale
        assert self.run(self.orders.history.detail(person, number)).total == quote.due.total
        by_variant = {goods.variant_id: what for what, goods in enumerate(self.goods)}
        for item in lines:
            del self.carts[who][by_variant[item.variant_id]]
        self.owner[number] = who
        return number

    @rule(number=placed)
    def pay(self, number: str) -> None:
        """Pay what waits from the wallet."""
        with contextlib.suppress(OrderNotPayable, InsufficientFunds):
            self.run(self.orders.settlement.pay(self.people[self.owner[number]], number))

    @rule(number=placed)
    def cancel(self, number: str) -> None:
        """Give up what waits."""
        with contextlib.suppress(OrderNotPayable):
            self.run(self.orders.reservations.cancel(self.people[self.owner[number]], number))

    @rule(number=placed, cents=st.integers(0, 1500))
    def payment_arrives(self, number: str, cents: int) -> None:
        """A provider reports money for an order, in time or too late, twice."""
        who = self.owner[number]
        order = self.run(self.orders.history.detail(self.people[who], number))
        if cents:
            self.top_up(who, cents)
        event = TopUpSucceeded(
            intent_id=IntentId(order.id), user_id=order.user_id, order_id=order.id, method="demo", amount=cents,
            balance=0, currency=USD, status=IntentStatus.SUCCEEDED,
        )  # fmt: skip
        for _ in range(2):
            self.run(self.orders.settlement.settle_payment(event))

    @rule(minutes=st.sampled_from([5, 16, 16, 40 * 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        """Reservations expire, and premium runs out."""
        self.clock.move(minutes=minutes)
        self.run(self.orders.reservations.expire_lapsed())

    @rule(chance=st.randoms(use_true_random=False), refuses=st.booleans(), twice=st.booleans())
    def prepare(self, chance: Any, refuses: bool, twice: bool) -> None:
        """An admin delivers or refuses something that they have seen in the queue, perhaps with a double tap."""
        work = self.run(self._sql("SELECT order_line_id, state FROM hand_work WHERE opened_at IS NOT NULL")).all()
        if not work:
            return
        line_id, state = chance.choice(sorted(work))
        for again in range(1 + twice):
            try:
                self.run(self._end(OrderLineId(line_id), refuses=refuses))
            except (WorkEnded, WorkRefunded):
                assert again or state != "open"
            else:
                assert state == "open"
                assert not again

    async def _end(self, line_id: OrderLineId, *, refuses: bool) -> None:
        await self.work.take(self.admin, line_id)
        if refuses:
            await self.work.refuse(self.admin, line_id, "out of paper")
        else:
            await self.work.deliver_text(self.admin, line_id, f"made for {line_id}")

    @rule(backwards=st.booleans())
    def worker_runs(self, backwards: bool) -> None:
        """The worker hears how goods by hand ended, everything of it again and again, in any order."""
        tasks = "SELECT task, payload FROM outbox_jobs WHERE task = ANY(:tasks) ORDER BY id"
        jobs = self.run(self._sql(tasks, tasks=list(_EVENTS))).all()
        for job in jobs[:: -1 if backwards else 1]:
            self.run(self.orders.settlement.settle_line(msgspec.convert(job.payload, _EVENTS[job.task])))

    @rule(number=placed, place=st.integers(0, 3), count=COUNT, cents=st.integers(1, 2500), by_line=st.booleans(),
          twice=st.booleans())  # fmt: skip
    def refund(self, number: str, place: int, count: int, cents: int, by_line: bool, twice: bool) -> None:
        """So many of a line go back, pending or delivered, or an amount."""
        lines = self.run(self.orders.history.detail(self.people[self.owner[number]], number)).lines
        requested: Any = [LineQuantity(lines[place % len(lines)].id, count)] if by_line else usd(cents)
        key = self.tap("refund")
        try:
            for _ in range(1 + twice):
                self.run(
                    self.orders.refunds.refund(
                        Actor.system(), number, requested, RefundTarget.WALLET, "why", idempotency_key=key
                    )
                )
        except (OrderNotPayable, RefundTooMuch):
            pass

    @invariant()
    def all_laws_hold(self) -> None:
        """Stock, orders, uses, money and carts."""

        async def look() -> tuple[list[Any], list[dict[int, int]], list[int], int, int]:
            by_variant = {goods.variant_id: what for what, goods in enumerate(self.goods)}
            async with self.uow.read() as tx:
                broken = list((await tx.execute(text(BROKEN))).all())
                cart_rows = await tx.execute(text("SELECT * FROM cart_lines WHERE removed_at IS NULL"))
                carts: list[dict[int, int]] = [{} for _ in self.people]
                ids = {person.id: who for who, person in enumerate(self.people)}
                for row in cart_rows:
                    carts[ids[row.user_id]][by_variant[row.variant_id]] = row.quantity
                counted = await tx.execute(text("SELECT variant_id, count(*) FROM stock_keys GROUP BY variant_id"))
                keys = {by_variant[variant_id]: count for variant_id, count in counted}
                seats = """SELECT remaining + (SELECT coalesce(sum(quantity), 0) FROM shared_key_lines)
                           FROM shared_keys"""
                money = """SELECT (SELECT coalesce(sum(balance), 0) FROM ledger_accounts WHERE user_id = ANY(:people)) +
                           (SELECT coalesce(sum(total_amount - refunded_amount), 0) FROM orders
                            WHERE paid_at IS NOT NULL)"""
                taken_seats = await tx.execute(text(seats))
                had = await tx.execute(text(money), {"people": list(ids)})
                return broken, carts, [keys.get(what, 0) for what in (0, 1)], taken_seats.scalar_one(), had.scalar_one()

        broken, carts, keys, seats, money = self.run(look())
        assert broken == []
        assert (carts, keys, seats, money) == (self.carts, self.keys, SEATS, self.given)
        assert self.run(self.differences()) == []


@pytest.mark.long("four hundred lives, if asked for")
def test_carts_keep_the_laws(settings: Settings) -> None:
    """The same few lives each time; ``SOUK_EXAMPLES=400`` for many, other ones each time."""
    Carts.config = settings
    run_state_machine_as_test(Carts, settings=lives(few=3, steps=40))
