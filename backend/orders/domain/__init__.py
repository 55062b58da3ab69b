"""Functions of orders that run inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from backend.catalog import domain as catalog
from backend.catalog.errors import SoldOut
from backend.catalog.types import VariantId
from backend.catalog.types.fulfilment import DeliveryStatus, FulfilmentLine, Item
from backend.catalog.words import product_name
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from backend.orders import rules
from backend.orders.domain.lines import Fulfillers
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
from backend.orders.words import and_more
from backend.payments.types import Refund
from backend.wallet import domain as wallet
from backend.wallet.types import REVENUE, AccountRef, Memo, TransferKind

_MOST_NAMED = 5
TOPIC = "order"
"""The signal that an order's page should reload."""


async def load(
    tx: Tx, fulfillers: Fulfillers, *, sequence: int | None = None, order_id: OrderId | None = None
) -> OrderView:
    """The order with its lines, keys (closed) and timeline. Raises NotFound."""
    order, goods = await _read(tx, sequence, order_id)
    if order.status is not OrderStatus.DELIVERED:
        return order
    return replace(order, keys=keys_of(goods, await fulfillers.items(tx, goods)))


async def load_without_keys(tx: Tx, order_id: OrderId) -> OrderView:
    """The order with its lines and timeline; ``keys`` is empty. Raises NotFound."""
    order, _ = await _read(tx, None, order_id)
    return order


def keys_of(goods: Sequence[FulfilmentLine], items: Iterable[Item]) -> list[DeliveredKey]:
    """The items of an order's lines, counted from 1 in the order given."""
    kinds = {line.id: line.kind for line in goods}
    return [DeliveredKey(one.id, kinds[one.line_id], one.line_id, n) for n, one in enumerate(items, start=1)]


async def _read(tx: Tx, sequence: int | None, order_id: OrderId | None) -> tuple[OrderView, Sequence[FulfilmentLine]]:
    order = await repository.get_order(tx, sequence=sequence, order_id=order_id)
    order_id = order.id
    lines, goods = await repository.list_lines(tx, order)
    held = await wallet.find_hold(tx, purpose(order_id)) if order.status is OrderStatus.AWAITING_PAYMENT else None
    view = OrderView(
        id=order_id,
        number=rules.order_number(order.sequence),
        user_id=order.user_id,
        status=order.status,
        total=order.total,
        created_at=order.created_at,
        expires_at=order.expires_at,
        lines=lines,
        keys=[],
        timeline=await repository.list_timeline(tx, order_id),
        held=held.amount if held is not None and held.open else Money.zero(order.total.currency),
        refunded=order.refunded,
    )
    return view, goods


async def find_named(tx: Tx, user_id: UserId, text: str) -> OrderId | None:
    """The first order of this person whose number stands in ``text``."""
    for sequence in rules.numbers_in(text)[:_MOST_NAMED]:
        order = await lists.find_row(tx, sequence)
        if order is not None and order.buyer_id == user_id:
            return order.id
    return None


async def open_keys(
    tx: Tx,
    fulfillers: Fulfillers,
    order: OrderView,
    *,
    by: UserId | None,
    channel: RevealChannel,
    ordinal: int | None = None,
) -> list[OpenedKey]:
    """The order's keys in plain text (one, or all), each opening logged. ``by`` is None for the first delivery."""
    chosen = [key for key in order.keys if ordinal in {None, key.ordinal}]
    texts = await fulfillers.open(tx, [(key.kind, key.id) for key in chosen])
    await repository.add_reveals(tx, order.id, [key.id for key in chosen], by, channel)
    lines = {line.id: line for line in order.lines}
    return [
        OpenedKey(key.ordinal, line.name, line.variant_name, line.country, text)
        for line, key, text in zip((lines[key.line_id] for key in chosen), chosen, texts, strict=True)
    ]


async def close_unpaid(
    tx: Tx, fulfillers: Fulfillers, order_id: OrderId, status: OrderStatus, step: OrderStep, by: UserId | None
) -> None:
    """End an order that awaits payment and return its goods to the stock. The caller holds its lock."""
    order = await repository.get_order(tx, order_id=order_id)
    _, goods = await repository.list_lines(tx, order)
    await fulfillers.release(tx, goods)
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
    await wallet.hold(tx, purpose(order.id), order.user_id, part, number, _memo(order.lines))


async def list_open(tx: Tx, buyer: UserId, *, except_order: OrderId) -> list[OpenReservation]:
    """The lines of the buyer's unpaid orders but the named one, the oldest first, with the money on hold for each."""
    lines = await repository.list_open(tx, buyer, except_order)
    totals: dict[OrderId, Money] = {}
    for line in lines:
        totals[line.order_id] = totals.get(line.order_id, Money.zero(line.total.currency)) + line.total
    held = await wallet.list_held(tx, [purpose(order_id) for order_id in totals])
    return [
        replace(line, covered=rules.share(held[purpose(line.order_id)], line.total, totals[line.order_id]))
        if purpose(line.order_id) in held
        else line
        for line in lines
    ]


async def charge(
    tx: Tx, order_id: OrderId, buyer: UserId, amount: Money, number: str, lines: Sequence[OrderLine]
) -> None:
    """Take ``amount`` for an order from the wallet. Raises InsufficientFunds."""
    if amount:
        source, target = AccountRef.user(buyer), AccountRef.shop(REVENUE)
        key, memo = f"order:{order_id}", _memo(lines)
        await wallet.transfer(tx, TransferKind.PURCHASE, key, source, target, amount, reference=number, memo=memo)


async def is_covered(tx: Tx, order: OrderRecord) -> bool:
    """Whether the amount on hold and the balance cover the order's price."""
    held = await wallet.find_hold(tx, purpose(order.id))
    on_hold = held.amount.amount if held is not None and held.open else 0
    balance = await wallet.balance(tx, order.user_id, order.total.currency)
    return bool(balance.amount + on_hold >= order.total.amount)


async def deliver(
    tx: Tx, fulfillers: Fulfillers, goods: Sequence[FulfilmentLine], *, reserved: bool
) -> list[DeliveredKey]:
    """Deliver all lines of an order; returns their keys. Raises SoldOut, ReservationGone; the caller rolls back."""
    deliveries = await fulfillers.deliver(tx, goods, reserved=reserved)
    pending = [line.kind for line in goods if deliveries[line.id].status is DeliveryStatus.PENDING]
    if pending:  # an order is delivered as a whole: a kind that takes its time cannot be registered yet
        raise RuntimeError(f"not delivered at once: {pending}")
    return keys_of(goods, (item for line in goods for item in deliveries[line.id].items))


async def pay_reserved(tx: Tx, fulfillers: Fulfillers, order: OrderRecord, by: UserId | None) -> None:
    """Deliver the reserved goods of a locked order and charge its price. Raises InsufficientFunds."""
    lines, goods = await repository.list_lines(tx, order)
    await deliver(tx, fulfillers, goods, reserved=True)
    await _take_payment(tx, order, lines, by)


async def pay_late(tx: Tx, fulfillers: Fulfillers, order: OrderRecord) -> NotAppliedReason | None:
    """Pay a locked order that has ended, at its original price; returns why not if goods or money are missing."""
    order_id, buyer = order.id, order.user_id
    if not await is_covered(tx, order):
        return NotAppliedReason.NOT_ENOUGH
    lines, goods = await repository.list_lines(tx, order)
    try:
        async with tx.savepoint():  # all lines or none
            for line in goods:
                limit = await catalog.person_limit(tx, line.variant_id)
                await check_person_limit(tx, order_id, buyer, line.variant_id, line.quantity, limit)
            await deliver(tx, fulfillers, goods, reserved=False)
    except SoldOut:
        return NotAppliedReason.SOLD_OUT
    except PersonLimitReached:
        return NotAppliedReason.LIMIT_REACHED
    await _take_payment(tx, order, lines, None)
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
    lines, _ = await repository.list_lines(tx, order)
    await wallet.transfer(
        tx,
        TransferKind.REFUND,
        f"order_refund:{order.id}:{key}",
        AccountRef.shop(REVENUE),
        AccountRef.user(order.user_id),
        amount,
        reference=rules.order_number(order.sequence),
        memo=replace(_memo(lines), reason=reason),
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


async def _take_payment(tx: Tx, order: OrderRecord, lines: Sequence[OrderLine], by: UserId | None) -> None:
    order_id, buyer = order.id, order.user_id
    total, number = order.total, rules.order_number(order.sequence)
    held = await wallet.capture(tx, purpose(order_id), AccountRef.shop(REVENUE), number, _memo(lines))
    await charge(tx, order_id, buyer, total if held is None else total - held, number, lines)
    await repository.set_status(tx, order_id, OrderStatus.DELIVERED, paid=True)
    await repository.add_events(tx, order_id, [OrderStep.PAID, OrderStep.DELIVERED], by)
    tx.emit(OrderPaid(order_id=order_id, user_id=buyer))
    tx.signal(TOPIC, order_id)


def _memo(lines: Sequence[OrderLine]) -> Memo:
    """What the wallet's history says of the purchase, by language."""
    first, more = lines[0], len(lines) - 1
    if not more:
        return Memo(title=_title(first), quantity=first.quantity)
    named = {locale.value: product_name(pick(first.name, locale), first.country, locale) for locale in Locale}
    return Memo(title={locale: and_more(name, more) for locale, name in named.items()})


def _title(line: OrderLine) -> dict[str, str]:
    if line.country is None:
        return line.name
    return {locale.value: product_name(pick(line.name, locale), line.country, locale) for locale in Locale}
