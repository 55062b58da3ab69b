"""The sheets between a product and its order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend.identity.types import Actor
from backend.kernel.ids import VariantId
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.orders.types import OrderLine, OrderView, Quote
from backend.payments.types import TopUpLimits, Way
from backend.wallet.errors import InsufficientFunds
from webapp.presenters.common import tile
from webapp.presenters.orders import title
from webapp.presenters.payments import way_rows
from webapp.rendering import Viewer
from webapp.views import ConfirmSheet, MissingSheet, TileView


def _tile(line: OrderLine, actor: Actor) -> TileView:
    return tile(pick(line.name, actor.language), line.hue, line.icon, line.country)


def confirm(quote: Quote, variant_id: VariantId, intent: str, actor: Actor) -> ConfirmSheet:
    """What is bought, for how much; ``intent`` makes a double tap buy once."""
    return ConfirmSheet(
        slug=quote.line.slug,
        variant_id=str(variant_id),
        title=title(quote.line, actor.language),
        tile=_tile(quote.line, actor),
        unit_price=quote.line.unit_price,
        quantity=quote.line.quantity,
        total=quote.total,
        balance=quote.balance,
        intent=intent,
    )


def confirm_order(order: OrderView, balance: Money, actor: Actor) -> ConfirmSheet:
    """The same for an order that was reserved before: paying it twice is paying it once."""
    line = order.lines[0]
    return ConfirmSheet(
        slug=line.slug,
        variant_id="",
        title=title(line, actor.language),
        tile=_tile(line, actor),
        unit_price=line.unit_price,
        quantity=line.quantity,
        total=order.total,
        balance=balance,
        intent="",
        action=f"/orders/{order.number}/pay",
    )


def enough(missing: Money, limits: TopUpLimits) -> Money:
    """The least that may be topped up to cover what is missing."""
    return min(max(missing, limits.minimum, key=_amount), limits.maximum, key=_amount)


def _amount(money: Money) -> int:
    return money.amount


def missing(
    quote: Quote,
    variant_id: VariantId,
    intent: str,
    ways: Sequence[Way],
    limits: TopUpLimits,
    viewer: Viewer,
    *,
    minutes: int,
) -> MissingSheet:
    """The balance does not reach; the way on keeps the goods for ``minutes`` and tops up."""
    return MissingSheet(
        missing=quote.missing,
        balance=quote.balance,
        needed=quote.total,
        top_up=enough(quote.missing, limits),
        ways=way_rows(ways, viewer),
        top_up_href="",
        reserved_minutes=minutes,
        variant_id=str(variant_id),
        quantity=quote.line.quantity,
        intent=intent,
    )


def missing_for_order(
    order: OrderView,
    short: InsufficientFunds,
    ways: Sequence[Way],
    limits: TopUpLimits,
    viewer: Viewer,
    now: datetime,
) -> MissingSheet:
    """The same for an order whose goods are kept already."""
    left = int((order.expires_at - now).total_seconds()) // 60 if order.expires_at else 0
    return MissingSheet(
        missing=short.missing,
        balance=short.balance,
        needed=order.total,
        top_up=enough(short.missing, limits),
        ways=way_rows(ways, viewer),
        top_up_href=f"/wallet/topup?order={order.number}",
        reserved_minutes=max(left, 1) if order.expires_at else None,
    )
