"""The pages. A slice's module makes a Router or handlers; they are listed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from webapp.catalog.routes import SHOP_HANDLERS
from webapp.core.shell import root
from webapp.growth.routes import GROWTH_HANDLERS
from webapp.identity.routes.about import about_pages
from webapp.identity.routes.me import me_pages
from webapp.orders.routes.checkout import CHECKOUT_HANDLERS
from webapp.orders.routes.orders import ORDERS_HANDLERS
from webapp.payments.routes.payments import PAYMENT_HANDLERS
from webapp.payments.routes.top_up import TOPUP_HANDLERS
from webapp.wallet.routes import WALLET_HANDLERS

# One router: handlers of one path but different methods must stand in the same one.
_sale = Router(
    path="/",
    route_handlers=[
        *SHOP_HANDLERS,
        *CHECKOUT_HANDLERS,
        *ORDERS_HANDLERS,
        *WALLET_HANDLERS,
        *TOPUP_HANDLERS,
        *PAYMENT_HANDLERS,
        *GROWTH_HANDLERS,
    ],
    include_in_schema=False,
)
PAGE_HANDLERS: Final[Sequence[ControllerRouterHandler]] = (root, me_pages, about_pages, _sale)
