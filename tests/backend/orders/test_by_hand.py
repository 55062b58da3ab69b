"""Goods by hand: bought, taken by an admin, delivered or refused, refunded."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.catalog.errors import WorkEnded, WorkRefunded, WorkTaken
from backend.catalog.types.hand_work import WorkState
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import OrderLineId
from backend.orders.types import OrderStatus, RefundTarget
from backend.orders.types.lines import LineQuantity, LineStatus
from tests.backend.orders.hand_shop import PRICE, HandShop
from tests.fakes.clock import FakeClock

DAY = timedelta(hours=24)


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> HandShop:
    """In a transaction that is rolled back."""
    shop = HandShop(uow, ring, tmp_path)
    await shop.open()
    return shop


async def test_a_text_reaches_its_buyer(shop: HandShop, clock: FakeClock) -> None:
    order, line = await shop.buy("by-hand-1", shop.keys, quantity=2)
    assert order == await shop.view(order)
    assert (order.status, order.lines[0].status) == (OrderStatus.PAID, LineStatus.PENDING)
    assert [one.ready_by for one in order.lines] == [clock.now() + DAY, None]
    (work,) = await shop.work.list_open(shop.dana)
    assert (work.line_id, work.quantity, work.due_at) == (line, 2, clock.now() + DAY)
    clock.move(hours=1)
    await shop.work.take(shop.dana, line)
    await shop.work.deliver_text(shop.dana, line, " Login: emma\r\nPassword: tulip \n")
    assert (await shop.view(order)).lines[0].status is LineStatus.PENDING  # until the order is told
    await shop.settle()
    done = await shop.view(order)
    assert (done.status, len(done.keys), done.keys[0].uses) == (OrderStatus.DELIVERED, 2, 2)
    opened = await shop.orders.delivery.reveal(shop.buyer, order.number, 1)
    assert opened.text == "Login: emma\nPassword: tulip"
    ended = await shop.work.get(shop.omar, line)
    assert (ended.state, ended.ended_by, ended.ended_at) == (WorkState.DELIVERED, shop.dana.user_id, clock.now())
    assert await shop.work.list_open(shop.dana) == []
    assert await shop.audited() == [
        ("orders.take_work", shop.dana.user_id), ("orders.deliver_work", shop.dana.user_id)
    ]  # fmt: skip
    await shop.proven()


async def test_the_result_is_stored_encrypted(shop: HandShop, tmp_path: Path) -> None:
    for number in range(2):
        _, line = await shop.buy(f"encrypted-{number}")
        await shop.work.take(shop.dana, line)
        if number:
            await shop.work.deliver_file(shop.dana, line, "a.txt", b"a secret that nobody reads")
        else:
            await shop.work.deliver_text(shop.dana, line, "a secret that nobody reads")
    async with shop.uow.read() as tx:
        rows = (await tx.execute(text("SELECT hand_work::text FROM hand_work"))).scalars().all()
    stored = "".join(rows).encode() + b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"a secret that nobody reads" not in stored
    assert b"a secret that nobody reads".hex().encode() not in stored


async def test_a_file_is_downloaded_by_its_buyer_only(shop: HandShop) -> None:
    order, line = await shop.buy("a-file-1")
    await shop.work.take(shop.dana, line)
    await shop.work.deliver_file(shop.dana, line, "C:\\work\\../Logo\u202e <final>.PDF", b"%PDF-1 drawn")
    with pytest.raises(NotFound):
        await shop.orders.delivery.download(shop.buyer, order.number, 1)  # the order does not know yet
    await shop.settle()
    file = await shop.orders.delivery.download(shop.buyer, order.number, 1)
    assert (file.name, file.data) == ("Logo final.PDF", b"%PDF-1 drawn")
    (key,) = (await shop.view(order)).keys
    assert key.file is not None
    assert key.file.size == len(b"%PDF-1 drawn")
    for stranger, ordinal in ((shop.omar, 1), (shop.buyer, 2)):
        with pytest.raises(NotFound):
            await shop.orders.delivery.download(stranger, order.number, ordinal)
    with pytest.raises(NotFound):
        await shop.orders.delivery.reveal(shop.buyer, order.number, 1)  # it has no text
    with pytest.raises(NotFound):
        await shop.orders.delivery.send_to_chat(shop.buyer, order.number)
    async with shop.uow.read() as tx:
        logged = (await tx.execute(text("SELECT actor_id, channel FROM order_reveals"))).all()
    assert [tuple(row) for row in logged] == [(shop.buyer.user_id, "file")]


async def test_one_admin_at_a_time_prepares_a_line(shop: HandShop) -> None:
    _, line = await shop.buy("one-admin-1")
    with pytest.raises(WorkTaken):
        await shop.work.deliver_text(shop.dana, line, "not taken yet")
    await shop.work.take(shop.dana, line)
    await shop.work.take(shop.dana, line)
    with pytest.raises(WorkTaken) as error:
        await shop.work.take(shop.omar, line)
    assert error.value.by == shop.dana.user_id
    for refused in (
        shop.work.hand_back(shop.omar, line),
        shop.work.deliver_text(shop.omar, line, "mine"),
        shop.work.deliver_file(shop.omar, line, "a.txt", b"mine"),
        shop.work.refuse(shop.omar, line, "mine"),
    ):
        with pytest.raises(WorkTaken):
            await refused
    await shop.work.take(shop.omar, line, over=shop.dana.user_id)
    with pytest.raises(WorkTaken):
        await shop.work.deliver_text(shop.dana, line, "too late")
    await shop.work.hand_back(shop.omar, line)
    assert (await shop.work.get(shop.dana, line)).taken_by is None
    await shop.work.take(shop.dana, line)


async def test_a_line_is_delivered_once(shop: HandShop, tmp_path: Path) -> None:
    order, line = await shop.buy("once-only-1")
    await shop.work.take(shop.dana, line)
    await shop.work.deliver_text(shop.dana, line, "the first")
    for again in (
        shop.work.deliver_text(shop.dana, line, "the second"),
        shop.work.deliver_file(shop.dana, line, "second.txt", b"the second"),
        shop.work.refuse(shop.dana, line, "the second"),
        shop.work.take(shop.omar, line),
    ):
        with pytest.raises(WorkEnded):
            await again
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    await shop.settle()
    assert (await shop.orders.delivery.reveal(shop.buyer, order.number, 1)).text == "the first"
    assert await shop.balance() == 10_000 - PRICE


async def test_what_is_refused_is_refunded_and_its_reason_told(shop: HandShop) -> None:
    order, line = await shop.buy("refused-1", shop.keys, quantity=2)
    await shop.work.take(shop.dana, line)
    await shop.work.refuse(shop.dana, line, "  We cannot\n draw that ")
    await shop.settle()
    done = await shop.view(order)
    assert (done.status, done.lines[0].status) == (OrderStatus.DELIVERED, LineStatus.FAILED)
    assert (done.lines[0].failure, done.lines[0].refunded.amount) == ("We cannot draw that", 2 * PRICE)
    assert await shop.balance() == 10_000 - 700
    with pytest.raises(WorkEnded):
        await shop.work.deliver_text(shop.dana, line, "after all")
    await shop.proven()


async def test_what_was_refunded_meanwhile_is_not_delivered(shop: HandShop) -> None:
    order, line = await shop.buy("refunded-1", quantity=2)
    await shop.work.take(shop.dana, line)
    for number in range(2):
        refunded = await shop.orders.refunds.refund(
            Actor.system(), order.number, [LineQuantity(line, 1)], RefundTarget.WALLET, "too slow",
            idempotency_key=f"too-slow-{number}",
        )  # fmt: skip
        state = (await shop.work.get(shop.dana, line)).state
        assert state is (WorkState.OPEN, WorkState.CANCELLED)[number]
    assert refunded.status is OrderStatus.REFUNDED
    for late in (
        shop.work.deliver_text(shop.dana, line, "too late"),
        shop.work.deliver_file(shop.dana, line, "late.txt", b"late"),
        shop.work.refuse(shop.dana, line, "too late"),
    ):
        with pytest.raises(WorkRefunded):
            await late
    await shop.settle()
    assert await shop.balance() == 10_000
    await shop.proven()


async def test_a_refund_before_the_order_hears_of_the_delivery_wins(shop: HandShop) -> None:
    order, line = await shop.buy("both-at-once-1")
    await shop.work.take(shop.dana, line)
    await shop.work.deliver_text(shop.dana, line, "a moment too early")
    await shop.orders.refunds.refund(
        Actor.system(), order.number, [LineQuantity(line, 1)], RefundTarget.WALLET, "slow", idempotency_key="at-once-1"
    )
    await shop.settle()
    done = await shop.view(order)
    assert (done.status, done.keys, await shop.balance()) == (OrderStatus.REFUNDED, [], 10_000)
    await shop.proven()


async def test_a_reserved_order_is_prepared_once_it_is_paid(shop: HandShop, clock: FakeClock) -> None:
    ref = await shop.orders.checkout.reserve(shop.buyer, shop.goods.variant_id, 1, "reserved-1")
    assert await shop.work.list_open(shop.dana) == []
    line = (await shop.orders.history.detail(shop.buyer, ref.number)).lines[0].id
    with pytest.raises(NotFound):
        await shop.work.take(shop.dana, line)
    clock.move(minutes=5)
    await shop.orders.settlement.pay(shop.buyer, ref.number)
    paid = await shop.orders.history.detail(shop.buyer, ref.number)
    assert (paid.lines[0].status, paid.lines[0].ready_by) == (LineStatus.PENDING, clock.now() + DAY)
    assert [work.line_id for work in await shop.work.list_open(shop.dana)] == [line]


async def test_a_reminder_comes_once_before_the_promised_time(shop: HandShop, clock: FakeClock) -> None:
    _, taken = await shop.buy("reminded-1")
    _, free = await shop.buy("reminded-2")
    _, done = await shop.buy("reminded-3")
    for line in (taken, done):
        await shop.work.take(shop.dana, line)
    await shop.work.deliver_text(shop.dana, done, "in time")
    clock.move(hours=17)
    assert await shop.work.remind() == 0
    clock.move(hours=1)
    assert (await shop.work.remind(), await shop.work.remind()) == (2, 0)
    assert {(one.line_id, one.taken_by) for one in await shop.reminders()} == {
        (taken, shop.dana.user_id), (free, None)
    }  # fmt: skip
    assert (await shop.work.count(shop.dana)).overdue == 0
    clock.move(hours=6)
    count = await shop.work.count(shop.dana)
    assert (count.open, count.overdue, count.mine, count.free) == (2, 2, 1, 1)


async def test_bad_results_change_nothing(shop: HandShop) -> None:
    _, line = await shop.buy("bad-results-1")
    await shop.work.take(shop.dana, line)
    for bad, fields in (
        (shop.work.deliver_text(shop.dana, line, " \r\n\0"), {"text": "required"}),
        (shop.work.deliver_text(shop.dana, line, "x" * 4001), {"text": "too_long"}),
        (shop.work.deliver_file(shop.dana, line, "a.txt", b""), {"file": "required"}),
        (shop.work.deliver_file(shop.dana, line, "a.bin", bytes(MAX_UPLOAD_BYTES + 1)), {"file": "too_large"}),
        (shop.work.refuse(shop.dana, line, "\n"), {"reason": "required"}),
        (shop.work.refuse(shop.dana, line, "x" * 201), {"reason": "too_long"}),
    ):
        with pytest.raises(Invalid) as error:
            await bad
        assert error.value.fields == fields
    assert (await shop.work.get(shop.dana, line)).is_open


async def test_only_admins_for_orders_see_the_queue(shop: HandShop) -> None:
    _, line = await shop.buy("forbidden-1")
    for forbidden in (
        shop.work.list_open(shop.buyer),
        shop.work.count(shop.buyer),
        shop.work.get(shop.buyer, line),
        shop.work.take(shop.buyer, line),
        shop.work.hand_back(shop.buyer, line),
        shop.work.deliver_text(shop.buyer, line, "mine"),
        shop.work.deliver_file(shop.buyer, line, "a.txt", b"mine"),
        shop.work.refuse(shop.buyer, line, "no"),
    ):
        with pytest.raises(Forbidden):
            await forbidden
    async with shop.uow() as tx:
        unknown = OrderLineId(tx.new_id())
    with pytest.raises(NotFound):
        await shop.work.get(shop.dana, unknown)
