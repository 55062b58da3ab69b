"""The text of each error code, in the reader's language."""

from __future__ import annotations

from typing import Final

from backend.infra.i18n import mark as _
from backend.kernel.errors import AppError
from backend.kernel.money import Money
from backend.kernel.text import fill
from bot.context import Words

MESSAGES: Final[dict[str, str]] = {
    "not_found": _("Not found"),
    "forbidden": _("You don't have access"),
    "blacklisted": _("You're blocked. You can still write to us here."),
    "payment_closed": _("Payment expired or not found. You haven't been charged."),
    "order_not_payable": _("This order can't be paid now. You haven't been charged."),
    "rate_limited": _("Too many requests. Try again in a moment."),
    "unavailable": _("The shop isn't responding. Try again in a moment."),
}
_ANYTHING_ELSE: Final = _("Something went wrong. You haven't been charged.")


def message(error: BaseException, words: Words) -> str:
    """What to say about an error; never its detail."""
    if not isinstance(error, AppError):
        return words.gettext(_ANYTHING_ELSE)
    text = words.gettext(MESSAGES.get(error.code, _ANYTHING_ELSE))
    filled = {name: _shown(words, value) for name, value in error.params.items()}
    return fill(text, filled)


def _shown(words: Words, value: object) -> str:
    return words.money(value) if isinstance(value, Money) else str(value)
