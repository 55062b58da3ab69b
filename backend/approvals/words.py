"""Names of the kinds of value, the same on pages and in the chat."""

from __future__ import annotations

from typing import Final

from backend.approvals.types import ValueKind
from backend.infra.i18n import Translator
from backend.infra.i18n import mark as _

KINDS: Final[dict[ValueKind, str]] = {
    ValueKind.ADJUSTMENT: _("Balance adjustment"),
    ValueKind.REFUND: _("Refund of a delivered order"),
    ValueKind.UNMATCHED: _("Assigned unmatched payment"),
    ValueKind.DEPOSIT: _("Top-up by bank transfer"),
    ValueKind.VOUCHERS: _("Vouchers"),
    ValueKind.BONUS_RULE: _("Top-up bonus"),
    ValueKind.PROMO: _("Promo code"),
    ValueKind.BULK_REFUND: _("Refund of several orders"),
    ValueKind.CREDITS: _("Reading credits"),
    ValueKind.WAIVED_REFUND: _("Dismissed provider refund"),
}


def kind_title(kind: ValueKind, words: Translator) -> str:
    """The name of a kind of value."""
    return words.gettext(KINDS[kind])
