"""Everything that awaits a second admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath

from backend.approvals.types import FirstApproval, ValueId, ValueKind
from backend.infra.i18n import mark as _
from backend.kernel.ids import OrderId
from webapp.approvals import screens as present
from webapp.approvals.screens import ApprovalsPage, ApprovalView
from webapp.core.answers import replaced, to_app
from webapp.core.back_office import manage_page
from webapp.core.guards import admins_only
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, toast
from webapp.core.site import SoukRequest, site_of

_PATH: Final = "/admin/approvals"


@get(_PATH, name="admin:approvals", guards=[admins_only])
async def approvals(request: SoukRequest) -> Html:
    """First approvals that this admin can complete, the oldest first; each links to the page where that is done."""
    return await _page(request)


@post(_PATH + "/{value_id:uuid}/withdraw", name="admin:withdraw", guards=[admins_only, limited(WRITE)], status_code=200)
async def withdraw(request: SoukRequest, value_id: FromPath[UUID]) -> Html:
    """Withdraw a first approval. Raises NotFound when it no longer awaits a second."""
    await site_of(request).services.approvals.withdraw(request.user, ValueId(value_id))
    words = site_of(request).viewer(request.user).words
    return toast(await _page(request), words.gettext(_("Withdrawn")))


async def first_of(request: SoukRequest, kind: ValueKind, subject: object) -> ApprovalView | None:
    """The first approval of a subject, for the subject's own page; None for none."""
    first = await site_of(request).services.approvals.first(request.user, kind, str(subject))
    return (await _views(request, [first]))[0] if first else None


async def _page(request: SoukRequest) -> Html:
    waiting = await site_of(request).services.approvals.waiting(request.user)
    view = ApprovalsPage(await _views(request, waiting))
    return replaced(to_app(manage_page(request, "approvals/admin/approvals.html", view, "home", back="/admin")), _PATH)


async def _views(request: SoukRequest, firsts: Iterable[FirstApproval]) -> tuple[ApprovalView, ...]:
    site, actor, waiting = site_of(request), request.user, list(firsts)
    people = [item for one in waiting for item in (one.by, one.user_id) if item is not None]
    names = await site.services.identity.people.names_of(actor, people)
    orders = [OrderId(UUID(one.subject)) for one in waiting if one.kind is ValueKind.REFUND]
    numbers = await site.services.orders.history.numbers_of(actor, orders)
    return tuple(present.approval(one, names, numbers, actor, site.viewer(actor)) for one in waiting)


HANDLERS: Final = (approvals, withdraw)
