"""Claims under the warranty that an admin decides."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.approvals.types import Approval
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.orders.types.warranty import ClaimDecision, ClaimId
from webapp.core import forms
from webapp.core.answers import replaced, say
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.parts import ReasonSheet
from webapp.core.responses import FORM_ERROR, Html, pictures, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.orders.screens import warranty as present

_ORDERS = requires(Permission.ORDERS)
_PATH: Final = "/admin/orders/claims"
_ONE: Final = _PATH + "/{claim_id:uuid}"
_DONE: Final = {
    ClaimDecision.REPLACE: _("Key replaced"),
    ClaimDecision.REFUND: _("Refunded to their balance"),
    ClaimDecision.REJECT: _("Claim rejected"),
}


class RejectForm(msgspec.Struct, frozen=True):
    """Why a claim is rejected."""

    reason: forms.Reason


@get(_PATH, name="admin:claims", guards=[_ORDERS])
async def claims(request: SoukRequest) -> Html:
    """The claims that wait for a decision, oldest first."""
    site, actor = site_of(request), request.user
    rows = await site.services.orders.warranty.list_in_review(actor)
    names = await site.services.identity.people.names_of(actor, [row.claim.user_id for row in rows])
    view = present.manage_claims(rows, names, actor, site.viewer(actor), pictures(request))
    return manage_page(request, "orders/admin/claims.html", view, "orders", back="/admin/orders")


@post(_ONE + "/replace", name="admin:claim-replace", guards=[_ORDERS, limited(WRITE)], status_code=200)
async def replace(request: SoukRequest, claim_id: FromPath[UUID]) -> Html:
    """Give another key. Raises NotFound, ClaimDecided, NothingToReplaceWith, SecondAdminNeeded."""
    return await _decide(request, claim_id, ClaimDecision.REPLACE)


@post(_ONE + "/refund", name="admin:claim-refund", guards=[_ORDERS, limited(WRITE)], status_code=200)
async def refund(request: SoukRequest, claim_id: FromPath[UUID]) -> Html:
    """Refund it to the buyer's balance. Raises NotFound, ClaimDecided, RefundTooMuch, SecondAdminNeeded."""
    return await _decide(request, claim_id, ClaimDecision.REFUND)


@get(_ONE + "/reject", name="admin:claim-reject-sheet", guards=[_ORDERS])
async def reject_sheet(request: SoukRequest, claim_id: FromPath[UUID]) -> Html:
    """Before a claim is rejected: why. Raises NotFound, ClaimDecided."""
    await site_of(request).services.orders.warranty.claim_in_review(request.user, ClaimId(claim_id))
    return sheet(request, "core/_reason.html", ReasonSheet("claim", f"{_PATH}/{claim_id}/reject"))


@post(_ONE + "/reject", name="admin:claim-reject", guards=[_ORDERS, limited(WRITE)], status_code=200)
async def reject(request: SoukRequest, claim_id: FromPath[UUID]) -> Html:
    """Reject a claim. Raises NotFound, ClaimDecided."""
    try:
        form = await forms.read_form(request, RejectForm)
    except Invalid:
        view = ReasonSheet("claim", f"{_PATH}/{claim_id}/reject", error=True)
        return sheet(request, "core/_reason.html", view, status=FORM_ERROR)
    return await _decide(request, claim_id, ClaimDecision.REJECT, form.reason)


async def _decide(request: SoukRequest, claim_id: UUID, decision: ClaimDecision, reason: str = "") -> Html:
    site = site_of(request)
    approval = await site.services.orders.warranty.decide(request.user, ClaimId(claim_id), decision, reason)
    text = _DONE[decision] if approval is Approval.GIVEN else _("A second admin must approve this refund")
    response = replaced(await claims.fn(request), _PATH)
    return say(request, response, text)


HANDLERS: Final = (claims, replace, refund, reject_sheet, reject)
