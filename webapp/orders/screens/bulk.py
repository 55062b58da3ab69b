"""Many orders at once: what is chosen, what would happen, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from backend.identity.types import Actor
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.types import RefundTarget
from backend.orders.types.bulk import Bulk, BulkAction, BulkFailure, BulkStatus
from webapp.core.rendering import Viewer

BULK: Final = "/admin/orders/bulk"
TITLES: Final = {
    BulkAction.REFUND: _("Refund orders"),
    BulkAction.CANCEL: _("Cancel orders"),
    BulkAction.RESEND_KEYS: _("Send keys again"),
    BulkAction.HAND_OVER: _("Hand over work"),
}
_WHY: Final = {
    "own": _("Your own orders"),
    "own_order": _("Orders of the admins who act"),
    "other_currency": _("In another currency"),
    "not_paid": _("Not paid"),
    "nothing_left": _("Nothing left to refund"),
    "paid_from_balance": _("Paid from the balance"),
    "not_unpaid": _("Not awaiting payment"),
    "no_keys": _("No keys to send"),
    "no_keys_to_send": _("No keys to send"),
    "no_work": _("Nothing to prepare"),
    "nothing_to_hand_over": _("Nothing to prepare"),
    "order_not_payable": _("Changed in the meantime"),
    "refund_too_much": _("Changed in the meantime"),
    "work_ended": _("Already prepared"),
    "work_refunded": _("Already refunded"),
    "sent_too_often": _("Sent too often today"),
    "refund_not_possible": _("The payment method can't refund it"),
    "insufficient_funds": _("Their balance is too low"),
}
_OTHER: Final = _("Failed: %(code)s")


class BulkForm(msgspec.Struct, frozen=True, kw_only=True):
    """What to do to the chosen orders."""

    action: BulkAction
    reason: Annotated[str, Meta(max_length=200)] = ""
    target: RefundTarget = RefundTarget.WALLET
    to: str = ""
    intent: Annotated[str, Meta(max_length=64)] = ""


class ChooseSheet(msgspec.Struct, frozen=True, kw_only=True):
    """orders/admin/_bulk_actions.html: what can be done to the chosen orders."""

    intent: str
    hidden: tuple[tuple[str, str], ...]
    """Which orders those are: their numbers, or the filters of all of them."""
    count: str
    admins: tuple[tuple[str, str], ...] = ()
    action: str = BulkAction.REFUND
    target: str = RefundTarget.WALLET
    reason: str = ""
    to: str = ""
    error: Literal["", "reason", "to", "orders", "too_many"] = ""
    most: int = 0
    export_url: str = ""
    limit: Money | None = None


class BulkReason(msgspec.Struct, frozen=True):
    """Why some orders were left as they are."""

    why: str
    orders: int
    numbers: tuple[str, ...]
    more: int


class BulkPage(msgspec.Struct, frozen=True, kw_only=True):
    """orders/admin/bulk.html; orders/admin/_bulk_state.html is its changing part."""

    id: str
    action: BulkAction
    title: str
    status: BulkStatus
    bulk: Bulk
    by: str
    mine: bool
    to: str = ""
    refusals: tuple[BulkReason, ...] = ()
    failures: tuple[BulkReason, ...] = ()

    @property
    def ended(self) -> int:
        """How many of those that can be acted on have had their turn."""
        return self.bulk.able - self.bulk.left


class BulkRow(msgspec.Struct, frozen=True):
    """An action in the list of the latest."""

    page: BulkPage
    href: str


class BulksPage(msgspec.Struct, frozen=True):
    """orders/admin/bulks.html"""

    rows: tuple[BulkRow, ...]


def bulk_page(bulk: Bulk, names: Mapping[UserId, str], actor: Actor, viewer: Viewer) -> BulkPage:
    """An action, from its preview to its end."""
    return BulkPage(
        id=str(bulk.id),
        action=bulk.terms.action,
        title=viewer.words.gettext(TITLES[bulk.terms.action]),
        status=bulk.status,
        bulk=bulk,
        by=names.get(bulk.by, "—"),
        mine=bulk.by == actor.user_id,
        to=names.get(bulk.terms.to, "—") if bulk.terms.to else "",
        refusals=tuple(_reason(one, viewer) for one in bulk.refusals),
        failures=tuple(_reason(one, viewer) for one in bulk.failures),
    )


def _reason(failure: BulkFailure, viewer: Viewer) -> BulkReason:
    known = _WHY.get(failure.code)
    why = viewer.words.gettext(known) if known else viewer.words.gettext(_OTHER) % {"code": failure.code}
    return BulkReason(why, failure.orders, failure.numbers, failure.orders - len(failure.numbers))
