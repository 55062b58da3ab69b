"""What of the shop's money waits for an admin, for the first page and for the list of payments."""

from __future__ import annotations

import asyncio

from backend.identity.types import Permission
from webapp.admin.screens import HandRow
from webapp.core.site import SoukRequest, site_of
from webapp.payments.screens.admin import PlaceRow
from webapp.payments.screens.control import is_off, latest_of_each


async def money_places(request: SoukRequest) -> tuple[PlaceRow, ...]:
    """The pages about money, each with the count of what waits there; for an admin with the permission for money."""
    services, actor = site_of(request).services, request.user
    unmatched, deposits, approvals, compared, ways = await asyncio.gather(
        services.payments.inbox.count_unmatched(actor),
        services.payments.deposits.awaiting_review(actor),
        services.approvals.waiting(actor),
        services.payments.reconciliation.latest(actor),
        services.payments.methods.enabled(actor),
    )
    by_hand = {way.name for way in ways if not way.reconcilable}
    differs = sum(is_off(one, reconcilable=name not in by_hand) for name, one in latest_of_each(compared).items())
    return (
        PlaceRow("unmatched", "/admin/payments/unmatched", unmatched, urgent=True),
        PlaceRow("deposits", "/admin/payments/deposits", len(deposits)),
        PlaceRow("approvals", "/admin/approvals", len(approvals)),
        PlaceRow("reconciliation", "/admin/payments/reconciliation", differs),
    )


async def money_hands(request: SoukRequest) -> tuple[HandRow, ...]:
    """What of it wants a hand; an admin without the permission for money sees the approvals that they can give."""
    if not request.user.may(Permission.MONEY):
        waiting = await site_of(request).services.approvals.waiting(request.user)
        return (HandRow("approvals", "/admin/approvals", len(waiting)),) if waiting else ()
    places = await money_places(request)
    return tuple(HandRow(place.key, place.href, place.count, place.urgent) for place in places if place.count)
