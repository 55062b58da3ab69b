"""Admins act on many orders: they choose, see what would happen, confirm, and watch it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.identity.types import Permission
from backend.infra.formatting import timezone
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.orders.errors import TooManyOrders
from backend.orders.types.bulk import MOST_ORDERS, Bulk, BulkAction, BulkId, BulkStatus, BulkTerms
from backend.orders.types.criteria import OrderCriteria
from webapp.core import forms
from webapp.core.answers import asked_by, pushed, say, to_app
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import PURCHASE, WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet, signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.orders.admin.orders import order_page
from webapp.orders.screens import bulk as present
from webapp.orders.screens.bulk import BULK, BulkForm, BulkRow, BulksPage, ChooseSheet
from webapp.orders.screens.filters import ORDERS, OrdersQuery

_ORDERS: Final = requires(Permission.ORDERS)
_ONE: Final = BULK + "/{bulk_id:uuid}"
_MOST_EXPORTED: Final = 200
_SECONDS: Final = 3600


class ResendForm(msgspec.Struct, frozen=True):
    """The key of one tap."""

    intent: forms.IdempotencyKey


def _chosen(request: SoukRequest, values: dict[str, Any]) -> tuple[OrdersQuery, OrderCriteria]:
    """Which orders were chosen: the ticked ones, or all that meet the filters."""
    narrowed = {name: value for name, value in values.items() if name in OrdersQuery.__struct_fields__}
    narrowed.pop("only", None)
    query = forms.decode(narrowed, OrdersQuery, site_of(request).settings.shop_currency)
    if "every" not in values:
        query = OrdersQuery(only=",".join(forms.ticked(values)))
    there = timezone(request.user.timezone)
    criteria = query.criteria(there)
    return query, criteria if query.only or "every" in values else msgspec.structs.replace(criteria, only=())


@post(BULK + "/choose", name="admin:bulk-choose", guards=[_ORDERS], status_code=200)
async def choose(request: SoukRequest) -> Html:
    """What can be done to the chosen orders."""
    return await _sheet(request, await forms.posted(request))


@post(BULK, name="admin:bulk-plan", guards=[_ORDERS, limited(WRITE)], status_code=200)
async def plan(request: SoukRequest) -> Html:
    """Show what would happen to each; nothing happens yet."""
    values = await forms.posted(request)
    form = forms.decode({name: values[name] for name in BulkForm.__struct_fields__ if name in values}, BulkForm)
    _query, criteria = _chosen(request, values)
    refunds = form.action is BulkAction.REFUND
    try:
        to = UserId(UUID(form.to)) if form.action is BulkAction.HAND_OVER and form.to else None
    except ValueError as error:
        raise Invalid("no id of an admin") from error
    terms = BulkTerms(action=form.action, reason=form.reason, target=form.target if refunds else "", to=to)
    service = site_of(request).services.orders.bulk
    try:
        bulk_id = await service.plan(request.user, criteria, terms, idempotency_key=form.intent)
    except TooManyOrders:
        return await _sheet(request, values, error="too_many")
    except Invalid as refusal:
        wrong = next((name for name in ("reason", "to", "orders") if name in refusal.fields), None)
        if wrong is None:
            raise
        return await _sheet(request, values, error=wrong)
    return pushed(to_app(await _page(request, bulk_id)), f"{BULK}/{bulk_id}")


async def _sheet(request: SoukRequest, values: dict[str, Any], *, error: str = "") -> Html:
    site, actor = site_of(request), request.user
    query, criteria = _chosen(request, values)
    every, numbers = "every" in values, forms.ticked(values)
    if every:
        counted = await site.services.orders.managing.count(actor, criteria)
        count = f"{counted.counted}+" if counted.more else str(counted.counted)
        hidden = (("every", "on"), *query.words().items())
    else:
        count, hidden = str(len(numbers)), (("only", ",".join(numbers)),)
    text = {name: str(values.get(name) or "") for name in ("reason", "action", "target", "to", "intent")}
    small = every or 0 < len(numbers) <= _MOST_EXPORTED
    only = {} if every else {"only": ",".join(numbers)}
    view = ChooseSheet(
        intent=text["intent"] or forms.new_intent(),
        hidden=hidden,
        count=count,
        admins=tuple(
            (str(one), name or "—")
            for one, name in (await site.services.catalog.hand_work.list_preparers(actor)).items()
        ),
        action=text["action"] or BulkAction.REFUND,
        target=text["target"] or "wallet",
        reason=text["reason"],
        to=text["to"],
        error=error or ("orders" if count == "0" else ""),  # type: ignore[arg-type]
        most=MOST_ORDERS,
        export_url=signed_url(request, query.href(ORDERS + ".csv", select=False, **only), seconds=_SECONDS)
        if small
        else "",
        limit=await site.services.approvals.limit_on(actor, Permission.ORDERS, None),
    )
    return sheet(request, "orders/admin/_bulk_actions.html", view, status=FORM_ERROR if error else 200)


@get(BULK, name="admin:bulks", guards=[_ORDERS])
async def bulks(request: SoukRequest) -> Html:
    """The latest actions, by anybody."""
    listed = await site_of(request).services.orders.bulk.list_recent(request.user)
    views = await _views(request, listed)
    rows = tuple(BulkRow(view, f"{BULK}/{view.id}") for view in views)
    return manage_page(request, "orders/admin/bulks.html", BulksPage(rows), "orders", back=ORDERS)


@get(_ONE, name="admin:bulk", guards=[_ORDERS])
async def bulk(request: SoukRequest, bulk_id: FromPath[UUID]) -> Html:
    """One action; only its changing part when that asks for itself. Raises NotFound."""
    return await _page(request, BulkId(bulk_id))


@post(_ONE + "/start", name="admin:bulk-start", guards=[_ORDERS, limited(PURCHASE)], status_code=200)
async def start(request: SoukRequest, bulk_id: FromPath[UUID]) -> Html:
    """Do it, or approve it as the second admin. Raises NotFound."""
    started = await site_of(request).services.orders.bulk.start(request.user, BulkId(bulk_id))
    waits = started.status is BulkStatus.AWAITING_APPROVAL
    said = _("A second admin must approve this refund") if waits else _("Started")
    return say(request, to_app(await _page(request, started.id)), said)


@post(_ONE + "/stop", name="admin:bulk-stop", guards=[_ORDERS, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, bulk_id: FromPath[UUID]) -> Html:
    """Leave the rest alone. Raises NotFound."""
    await site_of(request).services.orders.bulk.stop(request.user, BulkId(bulk_id))
    return say(request, to_app(await _page(request, BulkId(bulk_id))), _("Stopped"))


@post(ORDERS + "/{number:str}/resend", name="admin:resend-keys", guards=[_ORDERS, limited(WRITE)], status_code=200)
async def resend(request: SoukRequest, number: FromPath[str]) -> Html:
    """Send an order's keys to its buyer's chat again. Raises NotFound, NoKeysToSend, SentTooOften."""
    form = await forms.read_form(request, ResendForm)
    services = site_of(request).services
    order = await services.orders.history.admin_detail(request.user, number)
    await services.orders.bulk.resend(request.user, order.id, idempotency_key=form.intent)
    return say(request, to_app(await order_page(request, number)), _("Sent to their chat"))


async def _page(request: SoukRequest, bulk_id: BulkId) -> Html:
    shown = await site_of(request).services.orders.bulk.get(request.user, bulk_id)
    view = (await _views(request, [shown]))[0]
    if asked_by(request, "bulk"):
        return fragment(request, "orders/admin/_bulk_state.html", view)
    return manage_page(request, "orders/admin/bulk.html", view, "orders", back=ORDERS)


async def _views(request: SoukRequest, listed: list[Bulk]) -> list[present.BulkPage]:
    site, actor = site_of(request), request.user
    people = [one for item in listed for one in (item.by, item.terms.to) if one]
    names = await site.services.identity.people.names_of(actor, people)
    return [present.bulk_page(one, names, actor, site.viewer(actor)) for one in listed]


HANDLERS: Final = (choose, plan, bulks, bulk, start, stop, resend)
