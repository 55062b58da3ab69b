"""The back office's pages: each asks for its permission, each action is a POST that the services write down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from webapp.admin import (
    adjustments,
    admins,
    approvals,
    bonuses,
    books,
    deliveries,
    deposits,
    home,
    order_refunds,
    orders,
    payment_refunds,
    payments,
    people,
    reconciliation,
    unmatched,
    vouchers,
    ways,
)

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
