"""How the ways to pay look, and what each would ask for an amount."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import msgspec

from backend.infra.formatting import format_duration, format_money, joined
from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from backend.payments import words
from backend.payments.types import Way
from webapp.core.looks import hue
from webapp.core.parts import Hue
from webapp.core.rendering import Viewer


class Look(NamedTuple):
    """What helps to choose a way, its icon and hue."""

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
    "deposit": Look(_("A person checks it"), "bank", "grey"),
    "demo": Look(_("Not real money"), "bolt", "green"),
}


_AT_ONCE: Final = _("at once")


_ABOUT: Final = _("about %(time)s")


_A_DAY: Final = _("up to a day")


_FROM: Final = _("From %(least)s")


_UP_TO: Final = _("Up to %(most)s at once")


_A_MINUTE: Final = 60


_HOURS: Final = 4 * 3600


def way_title(name: str, viewer: Viewer) -> str:
    """What a way to pay is called."""
    return words.way_title(name, viewer.words)


def way_look(name: str) -> tuple[str, Hue]:
    """A way's icon and hue."""
    look = _LOOKS.get(name)
    return (look.icon, hue(look.hue, name)) if look else ("card", hue("", name))


def takes(way: Way, viewer: Viewer) -> str:
    """How long it usually takes."""
    say = viewer.words.gettext
    if way.wait_seconds <= _A_MINUTE:
        return say(_AT_ONCE)
    if way.wait_seconds > _HOURS:
        return say(_A_DAY)
    return say(_ABOUT) % {"time": format_duration(timedelta(seconds=way.wait_seconds), viewer.locale)}


def fits(way: Way, amount: Money) -> bool:
    """Whether the way takes so much at once; nothing stands for an amount that is not known yet."""
    return not amount or way.minimum <= amount <= way.maximum


def note(way: Way, amount: Money, viewer: Viewer) -> str:
    """The line under a way's name: what ``amount`` costs in its own asset, or its limit; how long it takes."""
    say = viewer.words.gettext
    if amount and amount < way.minimum:
        return say(_FROM) % {"least": format_money(way.minimum, viewer.locale, trim=True)}
    if amount > way.maximum:
        return say(_UP_TO) % {"most": format_money(way.maximum, viewer.locale, trim=True)}
    if way.asset != amount.currency and amount:
        first = format_money(way.price(amount), viewer.locale)
    else:
        first = say(_LOOKS[way.name].hint) if way.name in _LOOKS and _LOOKS[way.name].hint else ""
    return joined([first, takes(way, viewer)], viewer.locale)


class WayRow(msgspec.Struct, frozen=True):
    """A way to pay in the reader's language; ``note`` is its price or its limit, and its time.

    ``fits``: it takes the amount that is asked for.
    """

    key: str
    title: str
    note: str
    icon: str
    hue: Hue
    selected: bool = False
    fits: bool = True


def way_row(way: Way, amount: Money, viewer: Viewer, *, selected: bool = False) -> WayRow:
    """A way to choose, for ``amount``."""
    icon, colour = way_look(way.name)
    return WayRow(
        key=way.name,
        title=way_title(way.name, viewer),
        note=note(way, amount, viewer),
        icon=icon,
        hue=colour,
        selected=selected,
        fits=fits(way, amount),
    )


def chosen(ways: Sequence[Way], name: str) -> Way | None:
    """The way called ``name``, else the first."""
    return next((way for way in ways if way.name == name), ways[0] if ways else None)
