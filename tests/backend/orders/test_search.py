"""Whatever an admin knows of an order or a payment finds it, and nothing finds another's by coincidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text, update

from backend.bootstrap import make_fulfillers
from backend.catalog.domain import search_index
from backend.catalog.models import Product
from backend.identity.models import User
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import Forbidden
from backend.kernel.ids import short_number
from backend.orders.rules import parse_order_number
from backend.orders.service import OrdersServices
from backend.orders.types import OrderStatus
from backend.orders.types.criteria import OrderCriteria
from backend.payments.gateways.deposit import DepositProvider
from backend.payments.models import PaymentIntent
from backend.payments.service import InboxService, IntentsService
from backend.payments.types import Capabilities, Intent, TopUpLimits
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import HUGE, usd
from tests.fakes.provider import FakeProvider

ADMIN = Actor.system()
STARS = Capabilities(asset="XTR")


class Shop:
    """Two people, two products, three orders, and payments of several kinds."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing) -> None:
        self.uow, self.ring = uow, ring
        self.fake = FakeProvider("fake")
        self.hand = DepositProvider("Name {reference}")
        providers = [self.fake, self.hand]
        self.orders = OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=make_fulfillers(ring),
            single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15),
        )
        limits = TopUpLimits(minimum=usd(1), maximum=usd(1_000_000))
        self.payments = IntentsService(uow=uow, providers=providers, limits=lambda: limits)
        by_name = {one.name: one for one in providers}
        self.inbox = InboxService(uow=uow, single_admin_limit=lambda: usd(10**15), providers=by_name)

    async def open(self) -> None:
        self.layla, self.omar = await buyers(self.uow, 2, 10_000)
        async with self.uow() as tx:
            await self._name(tx, self.layla, "Layla", "100% real_name", "layla_h", 700_111_222)
            await self._name(tx, self.omar, "Omar", "Al\u202eX", None, 700_999_888)
            self.vpn = await add_goods(tx, self.ring, price=777)
            self.esim = await add_goods(tx, self.ring, price=1250)
            await tx.execute(
                update(Product)
                .where(Product.id == self.esim.product_id)
                .values(name={"en": "Travel eSIM", "ru": "Еsim для поездок"}, slug="esim-jp")
            )
            await search_index.refresh(tx, [self.vpn.product_id, self.esim.product_id])
        self.first = (await self.orders.checkout.place(self.layla, self.vpn.variant_id, 1, "tap-0000001")).number
        self.second = (await self.orders.checkout.place(self.omar, self.esim.variant_id, 2, "tap-0000002")).number

    async def _name(self, tx: Tx, who: Actor, first: str, last: str, name: str | None, number: int) -> None:
        values = {"first_name": first, "last_name": last, "username": name, "telegram_id": number}
        await tx.execute(update(User).where(User.id == who.id).values(values))

    async def search(self, query: str, **criteria: Any) -> list[str]:
        chosen = OrderCriteria(**criteria)
        return [row.number for row in await self.orders.search.find(ADMIN, query, chosen)]

    async def paid(self, query: str) -> list[str]:
        ids = await self.orders.search.find_ids(ADMIN, query)
        return [intent.reference for intent in await self.inbox.find(ADMIN, query, ids)]

    async def deposit(self, who: Actor, cents: int, key: str, order: str = "") -> Intent:
        order_id = (await self.orders.history.detail(who, order)).id if order else None
        return await self.payments.start_top_up(who, "deposit", usd(cents), order_id, idempotency_key=key)


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    shop = Shop(uow, ring)
    await shop.open()
    return shop


async def test_any_part_of_a_number_finds_its_order(shop: Shop) -> None:
    plain = shop.first.removeprefix("S-")
    for start in range(6):
        for end in range(start + 1, 7):
            part = plain[start:end]
            assert shop.first in await shop.search(part.lower()), part
    for end in range(1, 7):
        assert shop.first in await shop.search("s-" + plain[:end])
    # After the prefix come the first signs, and none from the middle.
    middle = plain[2:5]
    assert shop.first not in await shop.search("S-" + middle) or plain.startswith(middle)
    # The whole number finds this order alone.
    for whole in (shop.first, plain, f"  {shop.first.lower()} ", f"\u200e{shop.first}\u202c"):
        assert await shop.search(whole) == [shop.first]


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ("vpn", "first"), ("PRIVATE key", "first"), ("esim", "second"), ("travel ESIM", "second"),
        ("поездок", "second"), ("ключ", "first"), ("layla", "first"), ("@layla_h", "first"), ("LAYLA_H", "first"),
        ("100% real_", "first"), ("700111222", "first"), ("70011", "first"), ("٧٠٠١١١٢٢٢", "first"),
        ("omar", "second"), ("7.77", "first"), ("$7.77", "first"), ("7,77", "first"), ("٧٫٧٧", "first"),
        ("25", "second"), ("25.00 USD", "second"),
    ],
)  # fmt: skip
async def test_what_is_known_of_an_order_finds_it(shop: Shop, query: str, which: str) -> None:
    numbers = {"first": [shop.first], "second": [shop.second]}[which]
    # Two signs may be in a number as well.
    listed = await shop.search(query)
    assert listed == numbers if len(query) > 2 else set(numbers) <= set(listed)


async def test_criteria_reach_orders_that_newer_ones_hide(shop: Shop) -> None:
    """Layla's first order is older than the thirty newest of hers, of its product and of its amount."""
    async with shop.uow() as tx:
        await tx.execute(text("UPDATE orders SET status = 'cancelled' WHERE total_amount = 777"))
        await tx.execute(text(_FORTY_MORE))
        await tx.execute(text(_FORTY_LINES))
    plain = shop.first.removeprefix("S-")
    for query in ("layla", "vpn", "7.77", "700111222", shop.first, plain, plain[:3]):
        assert await shop.search(query, status=OrderStatus.CANCELLED) == [shop.first], query
        assert await shop.search(query, status=OrderStatus.CANCELLED, buyer=shop.omar.id) == []
        assert await shop.search(query, status=OrderStatus.CANCELLED, goods="esim") == []
        assert await shop.search(query, status=OrderStatus.CANCELLED, goods="vpn", least=usd(777)) == [shop.first]
    assert shop.first not in await shop.search("layla")


# Copies of Layla's order with every column it has, so that new columns change nothing here.
_FORTY_MORE = """
    INSERT INTO orders OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(o, jsonb_build_object(
        'id', 'ffffffff-ffff-7fff-8fff-' || lpad(n::text, 12, '0'), 'sequence', o.sequence + 100000 + n,
        'idempotency_key', 'copy-' || n, 'status', 'delivered', 'receipt_id', NULL))).*
    FROM orders o CROSS JOIN generate_series(1, 40) n WHERE o.total_amount = 777
"""
_FORTY_LINES = """
    INSERT INTO order_lines SELECT (jsonb_populate_record(l, jsonb_build_object(
        'id', 'ffffffff-ffff-7fff-9fff-' || lpad(n::text, 12, '0'),
        'order_id', 'ffffffff-ffff-7fff-8fff-' || lpad(n::text, 12, '0')))).*
    FROM order_lines l JOIN orders o ON o.id = l.order_id AND o.total_amount = 777 AND o.status = 'cancelled'
    CROSS JOIN generate_series(1, 40) n
"""


async def test_a_key_finds_its_order_and_nothing_else_does(shop: Shop) -> None:
    sold = (await shop.orders.delivery.reveal(shop.layla, shop.first, 1)).text
    free = next(key for key in shop.vpn.keys if key != sold)
    assert await shop.search(sold) == [shop.first]
    assert await shop.search(f" {sold}\n") == [shop.first]
    assert await shop.search(free) == []
    assert await shop.search(sold[:-1]) == []


@pytest.mark.parametrize(
    "query", ["%", "_", "%%%", "\\", "' OR 1=1 --", '"', "99999999999999999999", "x" * 10_000, "9" * 10_000, "\u202e",
              "\u202e\u2066", "@", "-", "İ", "ß", "\ud800", "💳", "1.5e9", "NaN", "-7.77"],
)  # fmt: skip
async def test_odd_words_are_no_error_and_no_wildcards(shop: Shop, query: str) -> None:
    # Those that are in Layla's name find her order: "@" alone is the beginning of every username.
    assert await shop.search(query) == ([shop.first] if query in {"%", "_", "@"} else [])
    assert await shop.paid(query) == []


async def test_a_deposits_reference_finds_the_deposit_only(shop: Shop) -> None:
    alone = await shop.deposit(shop.layla, 5000, "by-hand")
    assert alone.reference.startswith("D-")
    assert alone.action is not None
    assert alone.action.fields["reference"] == alone.reference
    assert alone.action.fields["instructions"] == f"Name {alone.reference}"
    plain = alone.reference.removeprefix("D-")
    for query in (alone.reference, alone.reference.lower(), plain):
        assert await shop.paid(query) == [alone.reference]
        assert await shop.search(query) == []
    for end in range(3, 6):
        assert alone.reference in await shop.paid("D-" + plain[:end])
        assert alone.reference in await shop.paid(plain[6 - end :])
    # As an order's number the same signs are nobody's.
    assert await shop.paid("S-" + plain) == []


async def test_a_reference_of_the_first_numbering_is_still_the_deposits(shop: Shop, uow: UnitOfWork) -> None:
    intent = await shop.deposit(shop.omar, 5000, "by-hand")
    # Layla's order has the number that this deposit was given as its reference, when both were numbered alike.
    sequence = parse_order_number(shop.first)
    assert sequence is not None
    old = short_number(sequence)
    async with uow() as tx:
        await tx.execute(text("ALTER TABLE payment_intents ALTER COLUMN number DROP IDENTITY"))
        action = {"kind": "deposit", "fields": {"reference": old, "instructions": f"Name {old}"}}
        given = update(PaymentIntent).where(PaymentIntent.id == intent.id)
        await tx.execute(given.values(action=action, number=sequence))
    assert await shop.search(f"S-{old}") == [f"S-{old}"]
    assert await shop.search(old) == []
    for query in (old, old.lower()):
        assert [one.id for one in await shop.inbox.find(ADMIN, query)] == [intent.id]
        assert (await shop.inbox.find_named(ADMIN, query))[0].reference == old


async def test_payments_are_found_by_all_that_is_known_of_them(shop: Shop) -> None:
    async with shop.uow() as tx:
        goods = await add_goods(tx, shop.ring, price=4321)
    held = (await shop.orders.checkout.reserve(shop.omar, goods.variant_id, 1, "tap-0000003")).number
    intent = await shop.deposit(shop.omar, 4321, "for-an-order", held)
    other = await shop.payments.start_top_up(shop.layla, "fake", usd(999), idempotency_key="other")
    report = msgspec.structs.replace(shop.fake.paid(other.id, usd(999), "evt_1"), charge_id="0xABC:7")
    await shop.payments.settle("fake", report)
    for query in (held, held.removeprefix("S-"), "omar", "43.21", "700999888", f"deposit-{intent.id}", str(intent.id)):
        assert await shop.paid(query) == [intent.reference], query
    for query in ("0xABC", "0xABC:7", "evt_1", f"fake-{other.id}", "layla", "9.99", other.reference):
        assert await shop.paid(query) == [other.reference], query
    # The order is found by its payment, too.
    for query in (intent.reference, f"deposit-{intent.id}"):
        assert await shop.search(query) == [held]
    assert await shop.orders.search.find_buyers(ADMIN, held) == [shop.omar.id]
    assert await shop.orders.search.find_buyers(ADMIN, other.reference) == [shop.layla.id]


async def test_who_may_search(shop: Shop) -> None:
    for search in (
        shop.orders.search.find,
        shop.orders.search.find_ids,
        shop.orders.search.find_buyers,
        shop.inbox.find,
    ):
        with pytest.raises(Forbidden):
            await search(shop.layla, "layla")
