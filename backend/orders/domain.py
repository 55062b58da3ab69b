"""Functions of orders that run inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from backend.catalog import domain as catalog
from backend.catalog.errors import SoldOut
from backend.catalog.types import VariantId
from backend.catalog.words import product_name
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from backend.orders import rules
from backend.orders.errors import PersonLimitReached
from backend.orders.repository import lists, refunds
from backend.orders.repository import orders as repository
from backend.orders.types import (
    DeliveredKey,
    NewOrder,
    NotAppliedReason,
    OpenedKey,
    OpenReservation,
    OrderLine,
    OrderPaid,
    OrderRecord,
    OrderRefunded,
    OrderStatus,
    OrderStep,
    OrderView,
    RefundTarget,
    RevealChannel,
)
from backend.payments.types import Refund
from backend.wallet import domain as wallet
from backend.wallet.types import REVENUE, AccountRef, Memo, TransferKind

_MOST_NAMED = 5
TOPIC = "order"
"""The signal that an order's page should reload."""


async def load(tx: Tx, *, sequence: int | None = None, order_id: OrderId | None = None) -> OrderView:
    """The order with its lines, keys (closed) and timeline. Raises NotFound."""
    order = await repository.get_order(tx, sequence=sequence, order_id=order_id)
    order_id = order.id
    lines = await repository.list_lines(tx, order_id, order.total.currency)
    keys: list[DeliveredKey] = []
    if order.status is OrderStatus.DELIVERED:
        taken = await catalog.list_taken(tx, [line.id for line in lines])
        keys = [DeliveredKey(k, line, n) for n, (line, k) in enumerate(taken, start=1)]
    held = await wallet.find_hold(tx, purpose(order_id)) if order.status is OrderStatus.AWAITING_PAYMENT else None
    return OrderView(
        id=order_id,
        number=rules.order_number(order.sequence),
        user_id=order.user_id,
        status=order.status,
        total=order.total,
        created_at=order.created_at,
        expires_at=order.expires_at,
        lines=lines,
        keys=keys,
        timeline=await repository.list_timeline(tx, order_id),
        held=held.amount if held is not None and held.open else Money.zero(order.total.currency),
        refunded=order.refunded,
    )


async def find_named(tx: Tx, user_id: UserId, text: str) -> OrderId | None:
    """The first order of this person whose number stands in ``text``."""
    for sequence in rules.numbers_in(text)[:_MOST_NAMED]:
        order = await lists.find_row(tx, sequence)
        if order is not None and order.buyer_id == user_id:
            return order.id
    return None


async def open_keys(
    tx: Tx, ring: KeyRing, order: OrderView, *, by: UserId | None, channel: RevealChannel, ordinal: int | None = None
) -> list[OpenedKey]:
    """The order's keys in plain text (one, or all), each opening logged. ``by`` is None for the first delivery."""
    chosen = [key for key in order.keys if ordinal in {None, key.ordinal}]
    texts = await catalog.open_keys(tx, ring, [key.id for key in chosen])
    await repository.add_reveals(tx, order.id, [key.id for key in chosen], by, channel)
    lines = {line.id: line for line in order.lines}
    return [
        OpenedKey(key.ordinal, line.name, line.variant_name, line.country, text)
        for line, key, text in zip((lines[key.line_id] for key in chosen), chosen, texts, strict=True)
    ]


async def close_unpaid(tx: Tx, order_id: OrderId, status: OrderStatus, step: OrderStep, by: UserId | None) -> None:
    """End an order that awaits payment and return its goods to the stock. The caller holds its lock."""
    order = await repository.get_order(tx, order_id=order_id)
    for line in await repository.list_lines(tx, order_id, order.total.currency):
        await catalog.release_reserved(tx, line.id)
    await wallet.release(tx, purpose(order_id), rules.order_number(order.sequence))
    await repository.set_status(tx, order_id, status)
    await repository.add_events(tx, order_id, [step], by)
    tx.signal(TOPIC, order_id)


def purpose(order_id: OrderId) -> str:
    """The name of the wallet's hold for an order."""
    return f"order:{order_id}"


async def affordable(tx: Tx, order: NewOrder) -> Money:
    """How much of a new order's price the buyer's balance covers."""
    balance = await wallet.balance(tx, order.user_id, order.total.currency)
    return min(balance, order.total, key=lambda money: money.amount)


async def hold(tx: Tx, order: NewOrder, part: Money, number: str) -> None:
    """Put ``part`` of a new order's price on hold in the buyer's wallet. Raises InsufficientFunds."""
    await wallet.hold(tx, purpose(order.id), order.user_id, part, number, _memo(order.line))


async def list_open(tx: Tx, buyer: UserId, *, except_order: OrderId) -> list[OpenReservation]:
    """The buyer's unpaid orders but the named one, the oldest first, with the money on hold for each."""
    orders = await repository.list_open(tx, buyer, except_order)
    held = await wallet.list_held(tx, [purpose(order.order_id) for order in orders])
    return [replace(order, covered=held.get(purpose(order.order_id), order.covered)) for order in orders]


async def charge(tx: Tx, order_id: OrderId, buyer: UserId, amount: Money, number: str, line: OrderLine) -> None:
    """Take ``amount`` for an order from the wallet. Raises InsufficientFunds."""
    if amount:
        source, target = AccountRef.user(buyer), AccountRef.shop(REVENUE)
        key, memo = f"order:{order_id}", _memo(line)
        await wallet.transfer(tx, TransferKind.PURCHASE, key, source, target, amount, reference=number, memo=memo)


async def is_covered(tx: Tx, order: OrderRecord) -> bool:
    """Whether the amount on hold and the balance cover the order's price."""
    held = await wallet.find_hold(tx, purpose(order.id))
    on_hold = held.amount.amount if held is not None and held.open else 0
    balance = await wallet.balance(tx, order.user_id, order.total.currency)
    return bool(balance.amount + on_hold >= order.total.amount)


async def pay_reserved(tx: Tx, order: OrderRecord, by: UserId | None) -> None:
    """Deliver the reserved goods of a locked order and charge its price. Raises InsufficientFunds."""
    lines = await repository.list_lines(tx, order.id, order.total.currency)
    for line in lines:
        await catalog.sell_reserved(tx, line.id)
    await _deliver(tx, order, lines[0], by)


async def pay_late(tx: Tx, order: OrderRecord) -> NotAppliedReason | None:
    """Pay a locked order that has ended, at its original price; returns why not if goods or money are missing."""
    order_id, buyer = order.id, order.user_id
    if not await is_covered(tx, order):
        return NotAppliedReason.NOT_ENOUGH
    try:
        # An order has one line so far; with several, all of them would have to be had, or none taken.
        ((line_id, variant_id, quantity),) = await refunds.list_variants(tx, order_id)
        limit = await catalog.person_limit(tx, variant_id)
        await check_person_limit(tx, order_id, buyer, variant_id, quantity, limit)
        await catalog.take_keys(tx, variant_id, quantity, line_id)
    except SoldOut:
        return NotAppliedReason.SOLD_OUT
    except PersonLimitReached:
        return NotAppliedReason.LIMIT_REACHED
    lines = await repository.list_lines(tx, order_id, order.total.currency)
    await _deliver(tx, order, lines[0], None)
    return None


async def check_person_limit(
    tx: Tx, order_id: OrderId, buyer: UserId, variant_id: VariantId, quantity: int, limit: int | None
) -> None:
    """Raises PersonLimitReached when the buyer would have more than ``limit``; counted one order at a time."""
    if limit is None:
        return
    await repository.lock_buyer(tx, buyer)
    bought = await repository.count_bought(tx, buyer, variant_id, order_id)
    if bought + quantity > limit:
        raise PersonLimitReached(limit=limit, bought=bought)


async def refund_to_wallet(tx: Tx, order: OrderRecord, amount: Money, reason: str, key: str) -> None:
    """Refund ``amount`` of a locked order to the buyer's wallet."""
    line = (await repository.list_lines(tx, order.id, order.total.currency))[0]
    await wallet.transfer(
        tx,
        TransferKind.REFUND,
        f"order_refund:{order.id}:{key}",
        AccountRef.shop(REVENUE),
        AccountRef.user(order.user_id),
        amount,
        reference=rules.order_number(order.sequence),
        memo=Memo(title=_title(line), quantity=line.quantity, reason=reason),
    )


async def note_refund(
    tx: Tx,
    order: OrderRecord,
    refunded: Money,
    amount: Money,
    target: RefundTarget,
    by: UserId | None,
    sent: Sequence[Refund] = (),
) -> None:
    """Store how much of a locked order was refunded in all, and emit it; ``sent`` are refunds by providers."""
    order_id = order.id
    whole = refunded.amount == order.total.amount
    status, step = (OrderStatus.REFUNDED, OrderStep.REFUNDED) if whole else (order.status, OrderStep.PARTIALLY_REFUNDED)
    await refunds.set_refunded(tx, order_id, refunded, status)
    await repository.add_events(tx, order_id, [step], by)
    tx.emit(
        OrderRefunded(
            order_id=order_id,
            user_id=order.user_id,
            amount=amount.amount,
            currency=amount.currency,
            target=target,
            refunds={str(refund.id): refund.amount.amount for refund in sent},
        )
    )
    tx.signal(TOPIC, order_id)


async def _deliver(tx: Tx, order: OrderRecord, line: OrderLine, by: UserId | None) -> None:
    order_id, buyer = order.id, order.user_id
    total, number = order.total, rules.order_number(order.sequence)
    held = await wallet.capture(tx, purpose(order_id), AccountRef.shop(REVENUE), number, _memo(line))
    await charge(tx, order_id, buyer, total if held is None else total - held, number, line)
    await repository.set_status(tx, order_id, OrderStatus.DELIVERED, paid=True)
    await repository.add_events(tx, order_id, [OrderStep.PAID, OrderStep.DELIVERED], by)
    tx.emit(OrderPaid(order_id=order_id, user_id=buyer))
    tx.signal(TOPIC, order_id)


def _memo(line: OrderLine) -> Memo:
    return Memo(title=_title(line), quantity=line.quantity)


def _title(line: OrderLine) -> dict[str, str]:
    """What the wallet's history calls the purchase, by language."""
    if line.country is None:
        return line.name
    return {locale.value: product_name(pick(line.name, locale), line.country, locale) for locale in Locale}
