"""Every slice's handlers, as the routers of the web process: pages, back office, JSON, hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from webapp.admin import home
from webapp.approvals import admin as approvals_admin
from webapp.catalog import api as catalog_api
from webapp.catalog import routes as catalog
from webapp.core.shell import root
from webapp.growth import routes as growth
from webapp.growth.admin import bonuses, promos, vouchers
from webapp.identity.admin import admins, people
from webapp.identity.api import api_me
from webapp.identity.routes.about import about_pages
from webapp.identity.routes.me import me_pages
from webapp.notifications import admin as deliveries
from webapp.orders import api as orders_api
from webapp.orders import api_cart as cart_api
from webapp.orders.admin import orders as orders_admin
from webapp.orders.admin import refunds as order_refunds
from webapp.orders.routes import cart, checkout, orders
from webapp.payments import hooks
from webapp.payments.admin import deposits, methods, reconciliation, refunds, unmatched
from webapp.payments.admin import payments as payments_admin
from webapp.payments.routes import payments, top_up
from webapp.wallet import api as wallet_api
from webapp.wallet import routes as wallet
from webapp.wallet.admin import adjustments, ledger

# One router for each kind: handlers of one path but different methods must stand in the same one.
_PAGES: Final = Router(
    path="/",
    route_handlers=[
        *catalog.SHOP_HANDLERS,
        *cart.CART_HANDLERS,
        *checkout.CHECKOUT_HANDLERS,
        *orders.ORDERS_HANDLERS,
        *wallet.WALLET_HANDLERS,
        *top_up.TOPUP_HANDLERS,
        *payments.PAYMENT_HANDLERS,
        *growth.GROWTH_HANDLERS,
    ],
    include_in_schema=False,
)
_ADMIN: Final = Router(
    path="/",
    route_handlers=[
        home.home,
        *orders_admin.HANDLERS,
        *order_refunds.HANDLERS,
        *people.HANDLERS,
        *adjustments.HANDLERS,
        *payments_admin.HANDLERS,
        *refunds.HANDLERS,
        *deposits.HANDLERS,
        *unmatched.HANDLERS,
        *approvals_admin.HANDLERS,
        *reconciliation.HANDLERS,
        *vouchers.HANDLERS,
        *bonuses.HANDLERS,
        *promos.HANDLERS,
        *ledger.HANDLERS,
        *methods.HANDLERS,
        *deliveries.HANDLERS,
        *admins.HANDLERS,
    ],
    include_in_schema=False,
)
_API: Final = Router(
    path="/api/v1",
    route_handlers=[api_me, *catalog_api.HANDLERS, *orders_api.HANDLERS, *cart_api.HANDLERS, *wallet_api.HANDLERS],
    include_in_schema=True,
    # What it tells is one person's own: nothing between here and them may keep it.
    response_headers={"cache-control": "no-store", "vary": "Authorization"},
)
ROUTERS: Final[Sequence[ControllerRouterHandler]] = (root, me_pages, about_pages, _PAGES, _ADMIN, _API, hooks.hook)
