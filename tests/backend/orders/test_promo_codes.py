"""A promo code from the quote to the refund: counted with the order, released once, and never over its limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from backend.bootstrap import Services
from backend.growth.errors import PromoCodeRefused
from backend.growth.types.promos import NewPromo, PromoCodeId, PromoRefusal, PromoScope
from backend.identity.types import Actor
from backend.orders.errors import PriceChanged
from backend.orders.types import NotAppliedReason, OrderPaymentKept, OrderRef, OrderStatus, OrderView, RequestedLine
from backend.orders.types.prices import PartKind
from backend.payments.types import IntentId, IntentStatus, TopUpSucceeded
from tests.factories.promos import add_promo, typed
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import USD, give, usd
from tests.fakes.clock import FakeClock

KEY = "tap-0000001"
TENTH = NewPromo(code="SALE10", basis_points=1000)


@pytest.fixture
async def buyer(services: Services) -> Actor:
    """Somebody with 100.00."""
    return (await buyers(services.uow, 1, 10_000))[0]


@pytest.fixture
async def goods(services: Services) -> Goods:
    """Sixty keys at 7.20."""
    return await stocked(services)


async def stocked(services: Services, **how: object) -> Goods:
    async with services.uow() as tx:
        return await add_goods(tx, services.ring, **{"keys": 60, **how})  # type: ignore[arg-type]


async def code(services: Services, actor: Actor, **changes: object) -> list[PromoCodeId]:
    """A promotion's code, as the buyer typed it."""
    promo = await add_promo(services, msgspec.structs.replace(TENTH, **changes))
    return await typed(services, actor, promo.code)


async def uses(services: Services) -> tuple[int, int]:
    """How many uses are counted with the codes, and how many orders have one that is not released."""
    counted = "SELECT (SELECT sum(used) FROM promo_codes), (SELECT count(*) FROM promo_uses WHERE released_at IS NULL)"
    async with services.uow.read() as tx:
        row = (await tx.execute(text(counted))).one()
    return int(row[0] or 0), int(row[1])


async def proven(services: Services) -> None:
    report = await services.wallet.ledger.verify(Actor.system())
    assert report.differences == []


async def test_quote_order_and_refund_have_the_same_share(services: Services, buyer: Actor, goods: Goods) -> None:
    codes = await code(services, buyer)
    quote = await services.orders.checkout.quote(buyer, goods.variant_id, 3, codes=codes)
    assert quote.promo is not None
    assert (quote.promo.code, quote.promo.saved, quote.due.total) == ("SALE10", usd(216), usd(1944))
    order = await services.orders.checkout.place(
        buyer, goods.variant_id, 3, KEY, confirmed=quote.due.total, codes=codes
    )
    assert (order.total, order.lines[0].price.part(PartKind.PROMO)) == (usd(1944), -216)
    assert await services.orders.history.detail(buyer, order.number) == order
    (promo, figures), *_ = await services.growth.promos.list_all(Actor.system())
    assert (figures.used, figures.saved) == (1, usd(216))
    (use,) = (await services.growth.promos.detail(Actor.system(), promo.id)).uses
    assert (use.order_number, use.user_id, use.amount, use.released) == (order.number, buyer.id, usd(216), False)
    await proven(services)


async def test_a_discount_is_shared_by_the_lines_it_is_for(services: Services, buyer: Actor, goods: Goods) -> None:
    other = await stocked(services, price=333)
    codes = await code(services, buyer, scope=PromoScope.PRODUCT, target=other.slug, basis_points=5000)
    lines = [RequestedLine(goods.variant_id, 1), RequestedLine(other.variant_id, 2)]
    order = await services.orders.checkout.place_all(buyer, lines, KEY, codes=codes)
    assert [line.price.part(PartKind.PROMO) for line in order.lines] == [0, -333]


async def test_a_category_covers_its_products(services: Services, buyer: Actor, goods: Goods) -> None:
    async with services.uow.read() as tx:
        statement = text("SELECT c.slug FROM categories c JOIN products p ON p.category_id = c.id WHERE p.id = :id")
        slug = (await tx.execute(statement, {"id": goods.product_id})).scalar_one()
    codes = await code(services, buyer, scope=PromoScope.CATEGORY, target=slug)
    assert (await services.orders.checkout.quote(buyer, goods.variant_id, 1, codes=codes)).due.total == usd(648)
    other = await stocked(services)
    refused = (await services.orders.checkout.quote(buyer, other.variant_id, 1, codes=codes)).refused
    assert refused is not None
    assert refused.reason is PromoRefusal.OTHER_GOODS


async def test_of_two_codes_the_better_one_is_used(services: Services, buyer: Actor, goods: Goods) -> None:
    codes = await code(services, buyer) + await code(services, buyer, code="HALF", basis_points=5000)
    for order in (codes, codes[::-1]):
        quote = await services.orders.checkout.quote(buyer, goods.variant_id, 1, codes=order)
        assert quote.promo is not None
        assert (quote.promo.code, quote.due.total) == ("HALF", usd(360))


async def test_a_free_order_is_an_order(services: Services, goods: Goods) -> None:
    (poor,) = await buyers(services.uow, 1, 0)
    codes = await code(services, poor, basis_points=10_000)
    quote = await services.orders.checkout.quote(poor, goods.variant_id, 1, codes=codes)
    assert (quote.due.total, quote.due.rest) == (usd(0), usd(0))
    order = await services.orders.checkout.place(poor, goods.variant_id, 1, KEY, confirmed=usd(0), codes=codes)
    assert (order.status, order.total) == (OrderStatus.DELIVERED, usd(0))
    assert (await services.orders.delivery.reveal(poor, order.number, 1)).text in goods.keys
    # Reserved first, it is paid without a provider too.
    held = await services.orders.checkout.reserve(poor, goods.variant_id, 1, KEY + "2", codes=codes, hold=True)
    assert await services.orders.checkout.begin_payment(poor, held.number, "demo", "tap-9") is None
    await services.orders.settlement.pay(poor, held.number)
    assert (await services.orders.history.detail(poor, held.number)).status is OrderStatus.DELIVERED
    await proven(services)


async def test_fifty_people_on_ten_uses(services: Services, goods: Goods) -> None:
    people = await buyers(services.uow, 50, 1000)
    codes = await code(services, people[0], uses=10)
    results = await asyncio.gather(
        *(
            services.orders.checkout.place(one, goods.variant_id, 1, KEY, codes=codes)
            if number % 2
            else services.orders.checkout.reserve(one, goods.variant_id, 1, KEY, codes=codes, hold=True)
            for number, one in enumerate(people)
        ),
        return_exceptions=True,
    )
    kinds = Counter(type(result) for result in results)
    assert kinds[PromoCodeRefused] == 40
    assert kinds[OrderView] + kinds[OrderRef] == 10
    assert await uses(services) == (10, 10)
    refused = {result.params["reason"] for result in results if isinstance(result, PromoCodeRefused)}
    assert refused == {PromoRefusal.USED_UP}
    await proven(services)


@pytest.mark.parametrize("limit", [{"per_person": 1}, {"first_only": True}])
async def test_one_person_with_ten_taps(
    services: Services, buyer: Actor, goods: Goods, limit: dict[str, object]
) -> None:
    codes = await code(services, buyer, **limit)
    results = await asyncio.gather(
        *(
            services.orders.checkout.place(buyer, goods.variant_id, 1, f"tap-{number:08}", codes=codes)
            for number in range(10)
        ),
        return_exceptions=True,
    )
    assert Counter(type(result) for result in results) == {OrderView: 1, PromoCodeRefused: 9}
    assert (await uses(services))[1] == 1


async def test_the_same_request_at_the_last_use_counts_once(services: Services, buyer: Actor, goods: Goods) -> None:
    codes = await code(services, buyer, uses=1, per_person=1)
    first = await services.orders.checkout.place(buyer, goods.variant_id, 1, KEY, codes=codes)
    again = await asyncio.gather(
        *(services.orders.checkout.place(buyer, goods.variant_id, 1, KEY, codes=codes) for _ in range(5))
    )
    assert {order.number for order in again} == {first.number}
    assert await uses(services) == (1, 1)


async def test_a_code_without_limits_locks_nobody(services: Services, buyer: Actor, goods: Goods) -> None:
    codes = await code(services, buyer)
    async with services.uow() as tx:
        await tx.execute(text("SELECT 1 FROM promo_codes FOR NO KEY UPDATE"))
        placing = services.orders.checkout.place(buyer, goods.variant_id, 1, KEY, codes=codes)
        assert (await asyncio.wait_for(placing, 10)).total == usd(648)
    assert await uses(services) == (0, 1)


@pytest.mark.parametrize("end", ["cancel", "expire"])
async def test_an_unpaid_order_releases_its_use_once(
    services: Services, clock: FakeClock, buyer: Actor, goods: Goods, end: str
) -> None:
    codes = await code(services, buyer, uses=1, first_only=True)
    held = await services.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, codes=codes)
    assert await uses(services) == (1, 1)
    with pytest.raises(PromoCodeRefused):
        await services.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY + "2", codes=codes)
    clock.move(minutes=16)
    for _ in range(2):
        if end == "cancel":
            await services.orders.reservations.cancel(buyer, held.number)
        else:
            await services.orders.reservations.expire_lapsed()
    assert await uses(services) == (0, 0)
    again = await services.orders.checkout.place(buyer, goods.variant_id, 1, KEY + "3", codes=codes)
    assert again.total == usd(648)
    assert await uses(services) == (1, 1)


async def test_late_money_counts_the_use_again(
    services: Services, clock: FakeClock, buyer: Actor, goods: Goods
) -> None:
    codes = await code(services, buyer, uses=1, ends_at=clock.now() + timedelta(minutes=15))
    held = await lapsed(services, clock, buyer, goods, codes)
    await late(services, buyer, held)
    paid = await services.orders.history.detail(buyer, held.number)
    assert (paid.status, paid.total) == (OrderStatus.DELIVERED, usd(648))
    assert await uses(services) == (1, 1)


@pytest.mark.parametrize("limit", [{"uses": 1}, {"per_person": 1}, {"first_only": True}])
async def test_late_money_finds_the_use_gone(
    services: Services, clock: FakeClock, buyer: Actor, goods: Goods, limit: dict[str, object]
) -> None:
    codes = await code(services, buyer, **limit)
    held = await lapsed(services, clock, buyer, goods, codes)
    await services.orders.checkout.place(buyer, goods.variant_id, 1, KEY + "2", codes=codes)
    await late(services, buyer, held)
    assert (await services.orders.history.detail(buyer, held.number)).status is OrderStatus.EXPIRED
    assert (await uses(services))[1] == 1
    async with services.uow.read() as tx:
        statement = text("SELECT payload FROM outbox_jobs WHERE payload ? 'why'")
        reasons = [
            msgspec.convert(payload, OrderPaymentKept).why for payload in (await tx.execute(statement)).scalars()
        ]
    assert set(reasons) == {NotAppliedReason.PROMO_USED_UP}
    await proven(services)


async def test_late_money_and_new_orders_do_not_wait_in_a_circle(
    services: Services, clock: FakeClock, buyer: Actor
) -> None:
    goods = await stocked(services, per_person_limit=60)
    codes = await code(services, buyer, uses=60)
    held = [await lapsed(services, clock, buyer, goods, codes, f"tap-{n:08}") for n in range(3)]
    place = services.orders.checkout.place
    with capture_logs() as logs:
        await asyncio.gather(
            *(late(services, buyer, one) for one in held),
            *(place(buyer, goods.variant_id, 1, f"more-{n:08}", codes=codes) for n in range(8)),
        )
    assert [entry for entry in logs if entry["event"] == "transaction.lost"] == []
    assert await uses(services) == (11, 11)
    await proven(services)


async def lapsed(
    services: Services, clock: FakeClock, buyer: Actor, goods: Goods, codes: list[PromoCodeId], key: str = KEY
) -> OrderRef:
    """An order with a code whose reservation has expired."""
    held = await services.orders.checkout.reserve(buyer, goods.variant_id, 1, key, codes=codes)
    clock.move(minutes=16)
    assert await services.orders.reservations.expire_lapsed() == 1
    assert (await uses(services))[1] == 0
    return held


async def late(services: Services, buyer: Actor, held: OrderRef) -> None:
    """The money for an expired order arrives; the worker is told twice."""
    async with services.uow() as tx:
        await give(tx, buyer.id, usd(648))
    event = TopUpSucceeded(
        intent_id=IntentId(held.id),
        user_id=buyer.id,
        order_id=held.id,
        method="demo",
        amount=648,
        balance=648,
        currency=USD,
        status=IntentStatus.SUCCEEDED,
    )
    for _ in range(2):
        await services.orders.settlement.settle_payment(event)


async def test_a_code_that_ends_between_quote_and_tap_needs_a_new_yes(
    services: Services, clock: FakeClock, buyer: Actor, goods: Goods
) -> None:
    codes = await code(services, buyer, ends_at=clock.now() + timedelta(minutes=1))
    seen = (await services.orders.checkout.quote(buyer, goods.variant_id, 1, codes=codes)).due.total
    clock.move(minutes=1)
    for buying in (services.orders.checkout.place, services.orders.checkout.reserve):
        with pytest.raises(PromoCodeRefused) as refused:
            await buying(buyer, goods.variant_id, 1, KEY, confirmed=seen, codes=codes)  # type: ignore[operator]
        assert refused.value.params["reason"] is PromoRefusal.ENDED
    assert await uses(services) == (0, 0)


async def test_a_price_that_rose_needs_a_new_yes_and_one_that_fell_is_passed_on(
    services: Services, buyer: Actor, goods: Goods
) -> None:
    for buying in (services.orders.checkout.place, services.orders.checkout.reserve):
        with pytest.raises(PriceChanged):
            await buying(buyer, goods.variant_id, 1, KEY, confirmed=usd(719))  # type: ignore[operator]
    order = await services.orders.checkout.place(buyer, goods.variant_id, 1, KEY, confirmed=usd(800))
    assert order.total == usd(720)


async def test_what_an_order_cost_stays_when_its_code_is_stopped(
    services: Services, buyer: Actor, goods: Goods
) -> None:
    codes = await code(services, buyer)
    held = await services.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, codes=codes)
    (promo, _), *_ = await services.growth.promos.list_all(Actor.system())
    await services.growth.promos.stop(Actor.system(), promo.id)
    await services.orders.settlement.pay(buyer, held.number)
    paid = await services.orders.history.detail(buyer, held.number)
    assert (paid.status, paid.total) == (OrderStatus.DELIVERED, usd(648))
