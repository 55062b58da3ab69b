"""Messages about claims under the warranty; a refund has its own message."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.kernel.ids import OrderId, UserId
from backend.notifications.notice import Draft, Notice, Params, admins, person
from backend.notifications.types import Message
from backend.orders import domain as orders
from backend.orders.types.warranty import ClaimStatus, WarrantyClaimed, WarrantyDecided

_REPLACED: Final = "warranty_replaced"


async def _order(draft: Draft, params: Params) -> tuple[str, list[str]]:
    """The number of the order, and the thing that was claimed, as rows of a message."""
    order = await orders.load_without_keys(draft.tx, OrderId(UUID(params["order_id"])))
    return order.number, [draft.words.thing(line) for line in order.lines if str(line.id) == params["line_id"]]


async def _claimed(draft: Draft, params: Params) -> Message:
    """To admins: whose claim is in review, and for what."""
    number, things = await _order(draft, params)
    user_id, words = UserId(UUID(params["user_id"])), draft.words
    names = await identity.user_names(draft.tx, [user_id])
    _ = words.translator.gettext
    rows = [
        _("<b>Warranty claim for order {number}</b>").format(number=words.number(number)),
        _("Customer: {person}").format(person=words.isolated(names.get(user_id, ""))),
        *things,
    ]
    return Message("\n".join(rows), (words.button(_("Open claims"), "/admin/orders/claims"),))


async def _replaced(draft: Draft, params: Params) -> Message:
    """To the buyer: something was replaced."""
    number, things = await _order(draft, params)
    head = draft.words.translator.gettext("<b>Replacement for order {number}</b>")
    return Message(
        "\n".join([head.format(number=draft.words.number(number)), *things]), (draft.words.order_button(number),)
    )


async def _rejected(draft: Draft, params: Params) -> Message:
    """To the buyer: their claim was rejected, and why."""
    number, things = await _order(draft, params)
    head = draft.words.translator.gettext("<b>Warranty claim for order {number} rejected</b>")
    rows = [head.format(number=draft.words.number(number)), *things, draft.words.isolated(params["reason"])]
    return Message("\n".join(rows), (draft.words.order_button(number),))


NOTICES: Final = (
    Notice(
        event=WarrantyClaimed,
        kind="warranty_claimed",
        audience=admins(Permission.ORDERS),
        key="warranty_claimed:{claim_id}",
        compose=_claimed,
        when=lambda event: event.status is ClaimStatus.IN_REVIEW,
    ),
    Notice(
        event=WarrantyClaimed,
        kind=_REPLACED,
        audience=person(lambda event: event.user_id),
        key="warranty_replaced:{claim_id}",
        compose=_replaced,
        when=lambda event: event.status is ClaimStatus.REPLACED,
    ),
    Notice(
        event=WarrantyDecided,
        kind=_REPLACED,
        audience=person(lambda event: event.user_id),
        key="warranty_replaced:{claim_id}",
        compose=_replaced,
        when=lambda event: event.status is ClaimStatus.REPLACED,
    ),
    Notice(
        event=WarrantyDecided,
        kind="warranty_rejected",
        audience=person(lambda event: event.user_id),
        key="warranty_rejected:{claim_id}",
        compose=_rejected,
        when=lambda event: event.status is ClaimStatus.REJECTED,
    ),
)
