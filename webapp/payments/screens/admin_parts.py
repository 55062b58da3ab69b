"""What the pages of payments in the back office share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from backend.payments.types import Intent, IntentStatus
from webapp.core.forms import Form
from webapp.core.parts import AmountError, Badge, Hue, Preset, TileView, Tone
from webapp.core.rendering import Viewer

STATUSES: Final[dict[IntentStatus, tuple[str, Tone]]] = {
    IntentStatus.CREATED: (_("Created"), ""),
    IntentStatus.PENDING: (_("Awaiting payment"), "warn"),
    IntentStatus.CONFIRMING: (_("Confirming"), "warn"),
    IntentStatus.UNDERPAID: (_("Underpaid"), "warn"),
    IntentStatus.SUCCEEDED: (_("Received"), "good"),
    IntentStatus.OVERPAID: (_("Overpaid"), "good"),
    IntentStatus.PARTIALLY_REFUNDED: (_("Partly refunded"), ""),
    IntentStatus.REFUNDED: (_("Refunded"), ""),
    IntentStatus.EXPIRED: (_("Expired"), ""),
    IntentStatus.FAILED: (_("Failed"), "bad"),
    IntentStatus.CANCELLED: (_("Cancelled"), ""),
}


def badge(state: tuple[str, Tone], viewer: Viewer) -> Badge:
    """A status in the reader's language."""
    return Badge(viewer.words.gettext(state[0]), state[1])


class ManagePaymentRow(msgspec.Struct, frozen=True):
    """A payment in a list; ``paid`` is what was received in a foreign asset, ``goods`` what it paid for."""

    id: str
    reference: str
    person: str
    method: str
    icon: str
    hue: Hue
    amount: Money
    badge: Badge
    at: datetime
    paid: Money | None = None
    goods: str = ""
    tile: TileView | None = None


_FIELDS: Final = {"address": _("Address"), "comment": _("Comment"), "reason": _("Reason")}


def details(said: Mapping[str, str], viewer: Viewer) -> list[tuple[str, str]]:
    """What a provider says about a payment; a field that the shop has no word for has the provider's name."""
    say = viewer.words.gettext
    names = {name: say(title) for name, title in _FIELDS.items()}
    return [(names.get(name, name.replace("_", " ")), value) for name, value in said.items() if value]


def status_badge(intent: Intent, viewer: Viewer) -> Badge:
    """The status of a payment; a bank transfer whose receipt awaits an admin is in review."""
    return badge((_("In review"), "warn") if intent.in_review else STATUSES[intent.status], viewer)


def presets(most: Money, chosen: str = "") -> tuple[Preset, ...]:
    """All of it, and half of it where that is an amount."""
    half = Money(most.amount // 2, most.currency)
    return tuple(Preset(amount, str(amount.decimal()) == chosen) for amount in (half, most) if amount)


_AMOUNT_ERRORS: Final[dict[str, AmountError]] = {"": "", "required": "required"}


def amount_error(form: Form[Any]) -> AmountError:
    """What is wrong with the text of the form's field ``amount``."""
    return _AMOUNT_ERRORS.get(form.errors.get("amount", ""), "not_a_number")


def as_id(text: str) -> UUID | None:
    """The id that the text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
