"""What orders do with promo codes inside their own transaction. See decisions/0071."""

from __future__ import annotations

from collections.abc import Sequence

from backend.catalog import domain as catalog
from backend.growth.errors import PromoCodeRefused
from backend.growth.repository import promos
from backend.growth.rules import promos as rules
from backend.growth.types.promos import (
    PromoBuyer,
    PromoCode,
    PromoCodeId,
    PromoLine,
    PromoOffer,
    PromoRefusal,
    PromoScope,
    RefusedPromo,
)
from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money


async def get_code(tx: Tx, code_id: PromoCodeId) -> PromoCode:
    """A code with its promotion. Raises NotFound."""
    return await promos.get_code(tx, code_id)


async def offer(tx: Tx, code: PromoCode, lines: Sequence[PromoLine], buyer: PromoBuyer) -> PromoOffer:
    """What the code may take off the lines; nothing is counted yet.

    The caller has locked the buyer where ``code.promo.personal``. Raises PromoCodeRefused.
    """
    promo, categories = code.promo, {}
    if promo.scope is PromoScope.CATEGORY:
        categories = await catalog.list_category_slugs(tx, [line.product_id for line in lines])
    used_by = 0
    if promo.per_person is not None:
        used_by = await promos.count_by(tx, promo.id, buyer.id, None)
    refused = rules.refusal(code, lines, categories, buyer, used_by, tx.now)
    # As with vouchers: nobody profits from what they made, unless they are the only admin.
    own = refused is None and promo.created_by == buyer.id
    if own and await identity.is_another_admin(tx, Permission.MONEY, {buyer.id}):
        refused = RefusedPromo(PromoRefusal.OWN)
    if refused is not None:
        raise PromoCodeRefused(f"promo code {code.id}", reason=refused.reason, minimum=refused.minimum)
    return PromoOffer(code, rules.discount(code, rules.covered(promo, lines, categories)))


async def use(tx: Tx, code: PromoCode, order_id: OrderId, buyer: UserId, amount: Money, *, reference: str) -> None:
    """Count a use of the code by a new order, which it saves ``amount``; ``reference`` is the order's number.

    Only a code with a limit is locked. Raises PromoCodeRefused where another order has taken the last use.
    """
    if code.promo.uses is not None and not await promos.count_use(tx, code.id):
        raise PromoCodeRefused(f"promo code {code.id}", reason=PromoRefusal.USED_UP)
    await promos.add_use(tx, code, order_id, buyer, amount, reference)


async def release(tx: Tx, order_id: OrderId) -> None:
    """Release the use of an order that ends unpaid. The caller has locked the order; repeated, it does nothing."""
    await promos.release_use(tx, order_id)


async def find_released(tx: Tx, order_id: OrderId) -> PromoCode | None:
    """The code whose use an order has released; None for an order without such a use."""
    return await promos.find_released(tx, order_id)


async def use_again(tx: Tx, code: PromoCode, order_id: OrderId, buyer: PromoBuyer) -> None:
    """Count again the use of an order that is paid after it had ended, whatever the code's dates are now.

    Raises PromoCodeRefused where a limit has been reached since.
    """
    used_by = await promos.count_by(tx, code.promo.id, buyer.id, order_id)
    if rules.limit_reached(code.promo, buyer, used_by):
        raise PromoCodeRefused(f"promo code {code.id}", reason=PromoRefusal.ALREADY_USED)
    if code.promo.uses is not None and not await promos.count_use(tx, code.id):
        raise PromoCodeRefused(f"promo code {code.id}", reason=PromoRefusal.USED_UP)
    await promos.take_use_again(tx, order_id)
