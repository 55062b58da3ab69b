"""The back office's pages: each asks for its permission, each action is a POST that the services write down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from webapp.admin import home
from webapp.approvals import admin as approvals
from webapp.growth.admin import bonuses, vouchers
from webapp.identity.admin import admins, people
from webapp.notifications import admin as deliveries
from webapp.orders.admin import orders
from webapp.orders.admin import refunds as order_refunds
from webapp.payments.admin import deposits, payments, reconciliation, unmatched
from webapp.payments.admin import methods as ways
from webapp.payments.admin import refunds as payment_refunds
from webapp.wallet.admin import adjustments
from webapp.wallet.admin import ledger as books

admin_pages = Router(
    path="/",
    route_handlers=[
        home.home,
        *orders.HANDLERS,
        *order_refunds.HANDLERS,
        *people.HANDLERS,
        *adjustments.HANDLERS,
        *approvals.HANDLERS,
        *payments.HANDLERS,
        *payment_refunds.HANDLERS,
        *deposits.HANDLERS,
        *unmatched.HANDLERS,
        *reconciliation.HANDLERS,
        *vouchers.HANDLERS,
        *bonuses.HANDLERS,
        *books.HANDLERS,
        *ways.HANDLERS,
        *deliveries.HANDLERS,
        *admins.HANDLERS,
    ],
    include_in_schema=False,
)

ADMIN_HANDLERS: Final[Sequence[ControllerRouterHandler]] = (admin_pages,)
