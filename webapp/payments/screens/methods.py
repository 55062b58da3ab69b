"""How payment methods look, and what each asks for an amount."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import msgspec

from backend.infra.formatting import format_duration, format_money, joined
from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from backend.payments import words
from backend.payments.types import PaymentMethod
from webapp.core.looks import hue
from webapp.core.parts import Hue
from webapp.core.rendering import Viewer


class Look(NamedTuple):
    """What helps to choose a payment method, its icon and hue."""

    hint: str
    icon: str
    hue: str


_LOOKS: Final = {
    "stars": Look("", "star", "amber"),
    "crypto_pay": Look(_("In Telegram"), "wallet", "blue"),
    "usdt_tron": Look("", "usdt", "teal"),
    "usdt_ton": Look("", "usdt", "teal"),
    "usdt_evm": Look("", "usdt", "teal"),
    "telegram_card": Look("Visa, Mastercard", "card", "indigo"),
    "stripe": Look("Visa, Mastercard", "card", "violet"),
    "paypal": Look(_("PayPal or card"), "globe", "blue"),
    "deposit": Look(_("Reviewed by hand"), "bank", "grey"),
    "demo": Look(_("Not real money"), "bolt", "green"),
}
_INSTANT: Final = _("instant")
_ABOUT: Final = _("about %(time)s")
_A_DAY: Final = _("up to a day")
_FROM: Final = _("From %(least)s")
_UP_TO: Final = _("Up to %(most)s")
_A_MINUTE: Final = 60
_HOURS: Final = 4 * 3600


def method_title(name: str, viewer: Viewer) -> str:
    """The name of a payment method in the reader's language."""
    return words.method_title(name, viewer.words)


def method_look(name: str) -> tuple[str, Hue]:
    """A payment method's icon and hue."""
    look = _LOOKS.get(name)
    return (look.icon, hue(look.hue, name)) if look else ("card", hue("", name))


def takes(method: PaymentMethod, viewer: Viewer) -> str:
    """How long it usually takes."""
    say = viewer.words.gettext
    if method.wait_seconds <= _A_MINUTE:
        return say(_INSTANT)
    if method.wait_seconds > _HOURS:
        return say(_A_DAY)
    return say(_ABOUT) % {"time": format_duration(timedelta(seconds=method.wait_seconds), viewer.locale)}


def note(method: PaymentMethod, amount: Money, viewer: Viewer) -> str:
    """The line under a method's name: what ``amount`` costs in its own asset, or its limit; how long it takes."""
    say = viewer.words.gettext
    refusal = method.refusal(amount) if amount else ""
    if refusal in {"not_positive", "below_minimum"}:
        return say(_FROM) % {"least": format_money(method.minimum, viewer.locale, trim=True)}
    if refusal == "above_maximum":
        return say(_UP_TO) % {"most": format_money(method.maximum, viewer.locale, trim=True)}
    if method.asset != amount.currency and amount:
        first = format_money(method.price(amount), viewer.locale)
    else:
        first = say(_LOOKS[method.name].hint) if method.name in _LOOKS and _LOOKS[method.name].hint else ""
    return joined([first, takes(method, viewer)], viewer.locale)


class MethodRow(msgspec.Struct, frozen=True):
    """A payment method to choose, in the reader's language."""

    key: str
    title: str
    note: str
    """Its price or its limit, and how long it takes."""
    icon: str
    hue: Hue
    selected: bool = False
    fits: bool = True
    """Whether it takes the amount; any method does while the amount is zero, which is not known yet."""


def method_row(method: PaymentMethod, amount: Money, viewer: Viewer, *, selected: bool = False) -> MethodRow:
    """A payment method to choose, for ``amount``."""
    icon, colour = method_look(method.name)
    return MethodRow(
        key=method.name,
        title=method_title(method.name, viewer),
        note=note(method, amount, viewer),
        icon=icon,
        hue=colour,
        selected=selected,
        fits=not amount or not method.refusal(amount),
    )


def chosen(methods: Sequence[PaymentMethod], name: str) -> PaymentMethod | None:
    """The payment method called ``name``, else the first."""
    return next((method for method in methods if method.name == name), methods[0] if methods else None)
