"""Orders of the demo that are prepared by hand: one waits in the queue, one is delivered."""

from __future__ import annotations

from typing import Final

from backend.bootstrap import Services
from backend.identity.types import Actor, Contact
from backend.kernel.ids import OrderLineId
from backend.kernel.money import Money

NOAH: Final = Contact(
    telegram_id=700_000_004, first_name="Noah", last_name="Okafor", username="noah_okafor", language_code="en"
)
"""One of the simulator's people."""
_PRODUCT: Final = "logo-design"
_BALANCE: Final = Money(5000, "USD")
_ABOUT_NOAH: Final = {
    "en": "Sells our gift cards and subscriptions since 2024. Answers within an hour.",
    "ar": "يبيع بطاقاتنا واشتراكاتنا منذ 2024. يرد خلال ساعة.",
    "ru": "Продаёт наши карты и подписки с 2024 года. Отвечает в течение часа.",
}
_LOGO: Final = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120">
<circle cx="60" cy="60" r="56" fill="#2a7de1"/>
<path d="M34 78V42l26 26 26-26v36" fill="none" stroke="#fff" stroke-width="9" stroke-linejoin="round"/></svg>
"""


async def load_demo_work(services: Services, root: Actor) -> None:
    """Place the orders, once; a second start changes nothing."""
    buyer = await services.identity.access.authenticate(NOAH)
    await services.wallet.adjustments.adjust(
        root, buyer.id, _BALANCE, "Balance for the demo", idempotency_key="demo:logo-design"
    )
    if await services.identity.sellers.mark_of(root, buyer.id) is None:
        await services.identity.sellers.mark(root, buyer.id, _ABOUT_NOAH)
    delivered, _ = [await _order(services, buyer, number) for number in (1, 2)]
    work = await services.catalog.hand_work.get(root, delivered)
    if work.is_open and work.taken_by is None:
        await services.catalog.hand_work.take(root, delivered)
        await services.catalog.hand_work.deliver_file(root, delivered, "Noah's logo.svg", _LOGO)


async def _order(services: Services, buyer: Actor, number: int) -> OrderLineId:
    product = await services.catalog.storefront.product(buyer, _PRODUCT)
    order = await services.orders.checkout.place(buyer, product.variants[0].id, 1, f"demo-logo-design-{number}")
    return order.lines[0].id
