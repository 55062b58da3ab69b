"""A person's timeline as the back office shows it: each entry in words, with the page that it opens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

import msgspec

from backend.identity.types import Actor, Permission
from backend.infra.i18n import mark as _
from backend.infra.timeline import Entry, EntryKind
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.payments.types import IntentStatus
from webapp.core.parts import Badge, Chip, Hue, Tone, address
from webapp.core.rendering import Viewer
from webapp.payments.screens.admin_parts import STATUSES as PAYMENT_STATUSES
from webapp.wallet.screens.wallet import transfer_words

LABELS: Final[dict[EntryKind, str]] = {
    EntryKind.ORDER: _("Orders"),
    EntryKind.PAYMENT: _("Payments"),
    EntryKind.REFUND: _("Refunds"),
    EntryKind.TRANSFER: _("Wallet"),
    EntryKind.MESSAGE: _("Messages"),
    EntryKind.TICKET: _("Tickets"),
    EntryKind.NOTE: _("Notes"),
    EntryKind.ACTION: _("Admins"),
    EntryKind.COURSE: _("Courses"),
    EntryKind.CERTIFICATE: _("Certificates"),
    EntryKind.READING: _("Readings"),
    EntryKind.VISIT: _("Visits"),
}
"""The filters, in the order of the chips."""
_GLYPHS: Final[dict[EntryKind, tuple[str, Hue]]] = {
    EntryKind.ORDER: ("receipt", "blue"),
    EntryKind.PAYMENT: ("card", "pink"),
    EntryKind.REFUND: ("undo", "teal"),
    EntryKind.TRANSFER: ("wallet", "green"),
    EntryKind.MESSAGE: ("send", "indigo"),
    EntryKind.TICKET: ("chat", "violet"),
    EntryKind.NOTE: ("pen", "amber"),
    EntryKind.ACTION: ("manage", "grey"),
    EntryKind.COURSE: ("learn", "orange"),
    EntryKind.CERTIFICATE: ("medal", "amber"),
    EntryKind.READING: ("spark", "violet"),
    EntryKind.VISIT: ("me", "grey"),
}
_ORDERS: Final[dict[str, tuple[str, Tone]]] = {
    "awaiting_payment": (_("Awaiting payment"), "warn"),
    "paid": (_("Paid"), "warn"),
    "delivered": (_("Delivered"), "good"),
    "cancelled": (_("Cancelled"), ""),
    "expired": (_("Expired"), ""),
    "refunded": (_("Refunded"), ""),
}
_DELIVERY: Final[dict[str, tuple[str, Tone]]] = {
    "pending": (_("Being sent"), "warn"),
    "sent": (_("Sent"), "good"),
    "blocked": (_("Bot blocked"), "bad"),
    "withheld": (_("Not sent"), ""),
    "failed": (_("Not delivered"), "bad"),
}
TICKETS: Final[dict[str, tuple[str, Tone]]] = {
    "open": (_("Waiting for an answer"), "warn"),
    "waiting": (_("Waiting for customer"), ""),
    "closed": (_("Ticket closed"), "good"),
}
_ABOUT: Final = (
    ("order", _("Message about an order")),
    ("refund", _("Message about a refund")),
    ("top_up", _("Message about a payment")),
    ("payment", _("Message about a payment")),
    ("deposit", _("Message about a payment")),
    ("wallet", _("Message about the balance")),
    ("warranty", _("Message about an order")),
    ("subscription", _("Message about a subscription")),
    ("renewal", _("Message about a subscription")),
    ("premium", _("Message about premium")),
    ("course", _("Message about a course")),
    ("submission", _("Message about an assignment")),
    ("certificate", _("Message about a certificate")),
    ("group", _("Message about a group")),
    ("reading", _("Message about a reading")),
    ("gift", _("Message about a gift card")),
    ("support", _("Message from support")),
    ("cart", _("Reminder of the cart")),
    ("stock", _("Message about a product")),
    ("favourite", _("Message about a product")),
    ("wish", _("Message about a product")),
)
"""What a message is about, by the start of its kind."""
_ACTIONS: Final[dict[str, tuple[str, str]]] = {
    "users.blacklist": (_("Blocked"), ""),
    "users.unblacklist": (_("Unblocked"), ""),
    "users.set_reseller": (_("Made a reseller"), _("No longer a reseller")),
    "users.set_premium": (_("Given premium with no end date"), _("No longer premium with no end date")),
    "users.change_premium": (_("Premium months changed"), ""),
    "admins.set_permissions": (_("Admin permissions changed"), ""),
    "courses.gift": (_("Given access to a course"), ""),
    "courses.revoke": (_("Access to a course ended"), ""),
    "readings.give_credits": (_("Given credits for readings"), ""),
}
"""An admin's action, and the words where it was the taking away."""
_TITLES: Final[dict[tuple[EntryKind, str], str]] = {
    (EntryKind.VISIT, ""): _("First visit"),
    (EntryKind.ORDER, ""): _("Order"),
    (EntryKind.PAYMENT, ""): _("Payment"),
    (EntryKind.REFUND, ""): _("Refund"),
    (EntryKind.CERTIFICATE, ""): _("Certificate"),
    (EntryKind.NOTE, ""): _("Note"),
    (EntryKind.COURSE, ""): _("Course"),
    (EntryKind.READING, ""): _("Reading"),
    (EntryKind.TICKET, ""): _("Ticket"),
    (EntryKind.REFUND, "wallet"): _("Refund to balance"),
    (EntryKind.REFUND, "provider"): _("Refund to payment method"),
}


class TimelineRow(msgspec.Struct, frozen=True):
    """An entry; ``by`` is the admin who did it, ``own_note`` the id of a note that the reader may change."""

    icon: str
    hue: Hue
    title: str
    at: datetime
    number: str = ""
    by: str = ""
    text: str = ""
    edited: bool = False
    sealed: bool = False
    """A note whose key was destroyed."""
    amount: Money | None = None
    credits: int | None = None
    signed: bool = False
    badge: Badge | None = None
    href: str | None = None
    own_note: str = ""


class TimelineView(msgspec.Struct, frozen=True):
    """identity/admin/_timeline.html: the chips and the rows, or only the rows of a next page (``more``)."""

    path: str
    chips: tuple[Chip, ...]
    rows: tuple[TimelineRow, ...]
    next_url: str | None = None
    more: bool = False


def chips(path: str, kinds: Collection[EntryKind], chosen: Collection[EntryKind], viewer: Viewer) -> tuple[Chip, ...]:
    """The filters that add up; each turns its own kind on or off."""
    filters = []
    for kind, label in LABELS.items():
        if kind in kinds:
            on = set(chosen) ^ {kind}
            href = address(path, kinds=joined(on))
            filters.append(Chip(href=href, active=kind in chosen, label=viewer.words.gettext(label)))
    return (Chip(href=path, active=not chosen, label=viewer.words.gettext(_("All"))), *filters)


def joined(kinds: Collection[EntryKind]) -> str:
    """Kinds as an address has them."""
    return ",".join(kind.value for kind in EntryKind if kind in kinds)


def split(text: str) -> frozenset[EntryKind]:
    """The kinds in an address; those that do not exist are left out."""
    names = set(text.split(","))
    return frozenset(kind for kind in EntryKind if kind.value in names)


def row(entry: Entry, names: Mapping[UserId, str], actor: Actor, viewer: Viewer) -> TimelineRow:
    """An entry in the reader's words."""
    icon, hue = _GLYPHS[entry.kind]
    note = entry.kind is EntryKind.NOTE
    amount, in_credits = entry.amount, entry.amount is not None and entry.amount.currency == "CREDIT"
    return TimelineRow(
        icon=icon,
        hue=hue,
        title=_title(entry, viewer),
        at=entry.at,
        number=entry.number if entry.kind is not EntryKind.COURSE else "",
        by=names.get(entry.by, "") if entry.by else "",
        text=entry.text,
        edited=entry.edited,
        sealed=note and not entry.text,
        amount=None if in_credits else amount,
        credits=amount.amount if amount is not None and in_credits else None,
        signed=entry.kind is EntryKind.TRANSFER,
        badge=_badge(entry, viewer),
        href=_href(entry, actor),
        own_note=str(entry.id) if note and entry.by == actor.user_id else "",
    )


def _title(entry: Entry, viewer: Viewer) -> str:
    return pick(entry.name, viewer.locale) or viewer.words.gettext(_words(entry))


def _words(entry: Entry) -> str:
    """What an entry without a name is called, to be translated."""
    match entry.kind:
        case EntryKind.MESSAGE:
            return next((words for start, words in _ABOUT if entry.state.startswith(start)), _("Message"))
        case EntryKind.TRANSFER:
            return transfer_words(entry.state)
        case EntryKind.ACTION:
            given, taken = _ACTIONS.get(entry.state, (_("Changed by an admin"), ""))
            return taken if taken and entry.delivery == "off" else given
        case _:
            return _TITLES.get((entry.kind, entry.state)) or _TITLES[entry.kind, ""]


def _badge(entry: Entry, viewer: Viewer) -> Badge | None:
    state: tuple[str, Tone] | None = None
    match entry.kind:
        case EntryKind.ORDER:
            state = _ORDERS.get(entry.state)
        case EntryKind.PAYMENT:
            state = PAYMENT_STATUSES[IntentStatus(entry.state)]
        case EntryKind.MESSAGE:
            state = _DELIVERY.get(entry.delivery)
        case EntryKind.TICKET:
            state = TICKETS.get(entry.state)
        case EntryKind.COURSE if entry.state == "completed":
            state = (_("Course completed"), "good")
        case EntryKind.CERTIFICATE if entry.state == "revoked":
            state = (_("Revoked"), "bad")
        case EntryKind.READING if entry.state == "free":
            state = (_("Free card"), "")
        case _:
            pass
    return Badge(viewer.words.gettext(state[0]), state[1]) if state else None


def _href(entry: Entry, actor: Actor) -> str | None:
    match entry.kind:
        case EntryKind.ORDER | EntryKind.REFUND if actor.may(Permission.ORDERS):
            return f"/admin/orders/{entry.number}"
        case EntryKind.PAYMENT:
            return f"/admin/payments/{entry.id}"
        case EntryKind.TICKET if actor.may(Permission.TICKETS):
            return f"/admin/tickets/{entry.id}"
        case _:
            return None
