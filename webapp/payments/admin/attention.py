"""Counts of what an admin has to do about payments, for the dashboard and the list of payments."""

from __future__ import annotations

import asyncio

from backend.identity.types import Permission
from webapp.admin.screens import HandRow
from webapp.core.site import SoukRequest, site_of
from webapp.payments.screens.admin import PlaceRow
from webapp.payments.screens.control import is_off, latest_of_each


async def money_places(request: SoukRequest) -> tuple[PlaceRow, ...]:
    """The pages about payments, each with the number of its open items. Needs the permission for money."""
    services, actor = site_of(request).services, request.user
    unmatched, deposits, approvals, reconciliations, methods = await asyncio.gather(
        services.payments.inbox.count_unmatched(actor),
        services.payments.deposits.awaiting_review(actor),
        services.approvals.waiting(actor),
        services.payments.reconciliation.latest(actor),
        services.payments.methods.enabled(actor),
    )
    by_hand = {method.name for method in methods if not method.reconcilable}
    latest = latest_of_each(reconciliations)
    differs = sum(is_off(one, reconcilable=name not in by_hand) for name, one in latest.items())
    return (
        PlaceRow("unmatched", "/admin/payments/unmatched", unmatched, urgent=True),
        PlaceRow("deposits", "/admin/payments/deposits", len(deposits)),
        PlaceRow("approvals", "/admin/approvals", len(approvals)),
        PlaceRow("reconciliation", "/admin/payments/reconciliation", differs),
    )


async def money_hands(request: SoukRequest) -> tuple[HandRow, ...]:
    """The pages with open items; without the permission for money, only the approvals that the admin can give."""
    if not request.user.may(Permission.MONEY):
        waiting = await site_of(request).services.approvals.waiting(request.user)
        return (HandRow("approvals", "/admin/approvals", len(waiting)),) if waiting else ()
    places = await money_places(request)
    return tuple(HandRow(place.key, place.href, place.count, place.urgent) for place in places if place.count)
