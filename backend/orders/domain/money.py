"""The wallet's side of an order: holds, charges, refunds to the balance."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from backend.catalog.words import product_name
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from backend.orders import rules
from backend.orders.repository import orders as repository
from backend.orders.types import NewOrder, OpenReservation, OrderLine, OrderRecord
from backend.orders.words import and_more
from backend.wallet import domain as wallet
from backend.wallet.types import REVENUE, AccountRef, Memo, TransferKind


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


async def take(tx: Tx, order: OrderRecord, lines: Sequence[OrderLine]) -> None:
    """Take the price of a reserved order: what is on hold, and the rest from the wallet. Raises InsufficientFunds."""
    number = rules.order_number(order.sequence)
    held = await wallet.capture(tx, purpose(order.id), AccountRef.shop(REVENUE), number, _memo(lines))
    await charge(tx, order.id, order.user_id, order.total if held is None else order.total - held, number, lines)


async def is_covered(tx: Tx, order: OrderRecord) -> bool:
    """Whether the amount on hold and the balance cover the order's price."""
    held = await wallet.find_hold(tx, purpose(order.id))
    on_hold = held.amount.amount if held is not None and held.open else 0
    balance = await wallet.balance(tx, order.user_id, order.total.currency)
    return bool(balance.amount + on_hold >= order.total.amount)


async def refund_to_wallet(
    tx: Tx, order: OrderRecord, lines: Sequence[OrderLine], amount: Money, reason: str, key: str
) -> None:
    """Refund ``amount`` for some lines of a locked order to the buyer's wallet."""
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
