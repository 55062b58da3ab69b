"""Messages about second approvals."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from backend.approvals import domain as approvals
from backend.approvals.types import ApprovalAsked, FirstApproval, ValueKind
from backend.approvals.words import kind_title
from backend.identity import domain as identity
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId
from backend.notifications.messages import Words
from backend.notifications.notice import Draft, Notice, Params, admins
from backend.notifications.types import Message
from backend.orders import domain as orders


async def _approval_asked(draft: Draft, params: Params) -> Message:
    event = msgspec.convert(params, ApprovalAsked)
    first = await approvals.get_first(draft.tx, event.value_id)
    names = await identity.user_names(draft.tx, [item for item in (first.user_id, first.by) if item])
    customer = names.get(first.user_id, "") if first.user_id else ""
    return approval_asked(draft.words, first, customer, names.get(first.by, ""), await _page_of(draft.tx, first))


_PAGES: Final = {
    ValueKind.BULK_REFUND: "/orders/bulk/{}",
    ValueKind.DEPOSIT: "/payments/{}",
    ValueKind.UNMATCHED: "/payments/unmatched/{}",
    ValueKind.WAIVED_REFUND: "/payments/unmatched/{}",
    ValueKind.BONUS_RULE: "/bonuses",
    ValueKind.PROMO: "/promos",
}


async def _page_of(tx: Tx, first: FirstApproval) -> str:
    """The page of the back office on which a second admin approves."""
    if first.kind is ValueKind.REFUND:
        return f"/orders/{(await orders.load_without_keys(tx, OrderId(UUID(first.subject)))).number}"
    return _PAGES.get(first.kind, "/adjustments").format(first.subject)


def approval_asked(words: Words, first: FirstApproval, customer: str, admin: str, path: str) -> Message:
    """Ask for a second approval after ``admin`` gave the first."""
    _ = words.translator.gettext
    amount = -first.amount if first.facts.get("way") == "debit" else first.amount
    # Nobody knows what a promo code of some per cent will take off: then its reason names the percentage.
    asked = _("<b>Second approval needed: {amount}</b>") if amount else _("<b>Second approval needed</b>")
    rows = [
        asked.format(amount=words.signed(amount)),
        kind_title(first.kind, words.translator),
    ]
    if customer:
        rows.append(_("For: {person}").format(person=words.isolated(customer)))
    rows.append(_("First approval: {person}").format(person=words.isolated(admin)))
    if first.reason:
        rows.append(_("Reason: {reason}").format(reason=words.isolated(first.reason)))
    return Message("\n".join(rows), (words.admin_button(path),))


NOTICES: Final = (
    Notice(
        event=ApprovalAsked,
        kind="approval_asked",
        audience=admins(lambda event: event.permission, but=lambda event: {event.asked_by, event.user_id}),
        key="approval_asked:{value_id}",
        compose=_approval_asked,
    ),
)
