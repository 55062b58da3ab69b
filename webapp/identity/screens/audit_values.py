"""How the values of the audit trail's facts are shown: choices by their titles, amounts as money, times in words.

A fact whose value is a stored choice, an amount or a measure is a line in SAYS: tests/audited.py fails a test that
records a choice without a title. What has no line, and what older versions stored, is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID

from backend.approvals.words import KINDS
from backend.infra.formatting import (
    apart,
    country_name,
    format_date,
    format_moment,
    format_money,
    format_percent,
    format_size,
)
from backend.infra.i18n import Text
from backend.infra.i18n import mark as _
from backend.infra.live_settings import REGISTRY, Unit
from backend.kernel.money import Money
from webapp.core.choices import CHOICES
from webapp.core.errors import MESSAGES
from webapp.core.fields import LANGUAGES
from webapp.core.rendering import Viewer
from webapp.identity.screens.audit_facts import FACTS, OF_ACTION, UNSAID
from webapp.identity.screens.audit_words import GROUPS, VIA
from webapp.identity.screens.bulk import TITLES as PEOPLE_ACTIONS
from webapp.identity.screens.finding import BOUGHT
from webapp.identity.screens.permissions import NAMES
from webapp.identity.screens.timeline import TICKETS
from webapp.orders.screens.admin import STATUSES as ORDER_STATUSES
from webapp.orders.screens.bulk import TITLES as ORDER_ACTIONS
from webapp.orders.screens.filters import method_name
from webapp.payments.screens.admin_parts import STATUSES as PAYMENT_STATUSES

ALL: Final = _("All")
_ON: Final = _("On")
_OFF: Final = _("Off")
_NOTHING: Final = _("None")
_LONGEST: Final = 160
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_LANGUAGES: Final = dict(LANGUAGES)


class Entry(NamedTuple):
    """An entry whose facts are shown: what their meaning depends on, and to whom."""

    action: str
    subject: str
    facts: Mapping[str, Any]
    """All of them, by name."""
    shop_currency: str
    viewer: Viewer

    @property
    def currency(self) -> str:
        """Of the entry's amounts: its own, else the shop's."""
        own = self.facts.get("currency")
        return own if isinstance(own, str) and len(own) == 3 else self.shop_currency


Say = Callable[[Any, Entry], str | None]
"""How a value is shown; None for one that it does not know."""


@dataclass(frozen=True, eq=False)
class Choice:
    """Shows a stored choice by its title."""

    titles: Mapping[Any, Text]

    def __call__(self, value: Any, entry: Entry) -> str | None:
        return entry.viewer.words.say(self.titles[value]) if self.knows(value) else None

    def knows(self, value: Any) -> bool:
        """Whether the value has a title."""
        return isinstance(value, str) and value in self.titles


def _in_badges(titles: Mapping[Any, tuple[str, str]]) -> Choice:
    """A choice whose titles stand beside the tones of their badges."""
    return Choice({value: title for value, (title, _tone) in titles.items()})


def _money(value: Any, entry: Entry) -> str | None:
    return _amount(value, entry.currency, entry)


def _received(value: Any, entry: Entry) -> str | None:
    """What arrived, which may be another asset than the one that is credited for it."""
    return _amount(value, str(entry.facts.get("asset") or entry.currency), entry)


def _amount(value: Any, currency: str, entry: Entry) -> str | None:
    number = int(value) if isinstance(value, str) and re.fullmatch("-?[0-9]{1,18}", value) else value
    if type(number) is not int or not abs(number) < 2**63:
        return None
    return format_money(Money(number, currency), entry.viewer.locale)


def _steps(value: Any, entry: Entry) -> str | None:
    """A ladder of prices, stored as pairs of a quantity and an amount."""
    match value:
        case [int(quantity), int(amount)]:
            return f"{quantity}: {_money(amount, entry)}"
    return None


def _percent(value: Any, entry: Entry) -> str | None:
    return format_percent(Decimal(value) / 100, entry.viewer.locale) if type(value) is int else None


def _size(value: Any, entry: Entry) -> str | None:
    return format_size(value, entry.viewer.locale) if type(value) is int else None


def _country(value: Any, entry: Entry) -> str | None:
    return country_name(value, entry.viewer.locale) if isinstance(value, str) else None


def _method(value: Any, entry: Entry) -> str | None:
    return method_name(value, entry.viewer) if isinstance(value, str) else None


def _refusal(value: Any, entry: Entry) -> str | None:
    """What the person was told by an error's code; a text with something to fill in says nothing without that."""
    text = MESSAGES.get(value) if isinstance(value, str) else None
    return entry.viewer.words.gettext(text) if text and "{" not in text else None


def _areas(value: Any, entry: Entry) -> str | None:
    """The filter's choice that was in force, which is stored as its areas."""
    for title, areas in GROUPS.values():
        if value == ", ".join(areas):
            return entry.viewer.words.gettext(title)
    return None


def _setting(value: Any, entry: Entry) -> str | None:
    """A setting's value: amounts are stored in whole units, switches as 0 and 1."""
    setting = REGISTRY.get(entry.subject.partition(":")[2])
    if setting is None or not isinstance(value, str) or not re.fullmatch("[0-9]{1,12}", value):
        return None
    if setting.unit is Unit.SWITCH:
        title = _OFF if value == "0" else _ON
        return entry.viewer.words.gettext(title)
    if setting.unit is Unit.CURRENCY and value != "0":  # 0 lets the shop choose
        return format_money(Money.parse(value, entry.shop_currency), entry.viewer.locale)
    return None


SAYS: Final[Mapping[str, Say]] = {
    "access:code": _refusal,
    "amount": _money,
    "approvals:kind": Choice(KINDS),
    "approvals:received": _received,
    "approvals:way": Choice(CHOICES["adjustment"]),
    "areas": _areas,
    "back": _money,
    "basis_points": _percent,
    "bonuses:fixed": _money,
    "bonuses:minimum": _money,
    "bonuses:way": _method,
    "bought": Choice(BOUGHT),
    "bytes": _size,
    "catalogue:kind": Choice(CHOICES["goods_kind"]),
    "choice": Choice(CHOICES["variants_differ_in"]),
    "cost": _money,
    "cost_before": _money,
    "country": _country,
    "format": Choice(CHOICES["key_file"]),
    "hue": Choice(CHOICES["hue"]),
    "icon": Choice(CHOICES["icon"]),
    "in": Choice({"chat": VIA["bot"]}),
    "language": Choice(_LANGUAGES),
    "least": _money,
    "method": _method,
    "most": _money,
    "orders:action": Choice(ORDER_ACTIONS),
    "orders:status": Choice(ORDER_STATUSES),
    "payments:status": _in_badges(PAYMENT_STATUSES),
    "period": Choice(CHOICES["package_period"]),
    "permission": Choice(NAMES),
    "permissions": Choice(NAMES),
    "price": _money,
    "price_amount": _money,
    "quantity_prices": _steps,
    "received": _money,
    "reseller_amount": _money,
    "reseller_price": _money,
    "settings:new": _setting,
    "settings:old": _setting,
    "stock:keys": Choice({"all": ALL}),
    "target": Choice(CHOICES["refund_target"]),
    "tickets:state": _in_badges(TICKETS),
    "unit_cost": _money,
    "users:action": Choice(PEOPLE_ACTIONS),
    "users:over": _money,
    "verb": Choice(CHOICES["schedule_verb"]),
    "verdict": Choice(CHOICES["verdict"]),
    "why": Choice({"blocked": FACTS["blocked"]}),
}
"""By the fact's name, or by ``area:name`` where a name means something else in another area of the trail."""
_AMOUNTS: Final = frozenset({_money, _received, _steps})


def fact_name(action: str, name: str, viewer: Viewer) -> str:
    """What a fact is called."""
    said = OF_ACTION.get(f"{action}:{name}") or FACTS.get(name)
    return viewer.words.gettext(said) if said else name.replace("_", " ")


def has_amount(action: str, name: str) -> bool:
    """Whether a fact is shown with its currency."""
    return _say(action, name) in _AMOUNTS


def fact_value(name: str, value: Any, entry: Entry) -> str:
    """A fact's value in words, as far as there are any."""
    text = _in_words(name, value, entry)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def is_id(value: Any) -> bool:
    """Whether a value is an id, which says nothing to people."""
    try:
        return isinstance(value, str) and len(value) == 36 and bool(UUID(value))
    except ValueError:
        return False


def untitled(action: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """The choices among an entry's facts, as the code records them, that would be shown as they are stored."""
    for name, value in facts.items():
        if name not in UNSAID:
            yield from _untitled(action, name, value)


def _untitled(action: str, name: str, value: Any) -> Iterator[str]:
    say = _say(action, name)
    match value:
        case Mapping():
            yield from untitled(action, value)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from _untitled(action, name, item)
        case Enum() | str() if isinstance(say, Choice):
            if value and not say.knows(value):
                yield f"{name}={value}"
        case Enum() if say is None:
            yield f"{name}={value}"


def _say(action: str, name: str) -> Say | None:
    return SAYS.get(f"{action.partition('.')[0]}:{name}") or SAYS.get(name)


def _in_words(name: str, value: Any, entry: Entry) -> str:
    if isinstance(value, bool):
        return entry.viewer.words.gettext(_ON if value else _OFF)
    if value in (None, "", [], {}):
        return entry.viewer.words.gettext(_NOTHING)
    say = _say(entry.action, name)
    said = say(value, entry) if say else None
    return said or _in_parts(name, value, entry) or _text(str(value), entry.viewer)


def _in_parts(name: str, value: Any, entry: Entry) -> str | None:
    """An amount with its currency, a list, facts within a fact; None for a value without parts."""
    comma = entry.viewer.words.gettext(", ")
    match value:
        case {"amount": int(amount), "currency": str(currency)}:
            return _amount(amount, currency, entry)
        case list():
            return comma.join(_in_words(name, item, entry) for item in value)
        case dict():
            return comma.join(_named(value, entry))
    return None


def _named(values: Mapping[str, Any], entry: Entry) -> Iterator[str]:
    """Facts within a fact, and texts by their language."""
    for name, value in values.items():
        if value not in (None, "") and not is_id(value):
            title = _LANGUAGES.get(name) or fact_name(entry.action, name, entry.viewer)
            text = f"{title}: {_in_words(name, value, entry)}"
            yield apart(text) if name in _LANGUAGES else text


def _text(value: str, viewer: Viewer) -> str:
    """A time in the reader's zone, any other text as it is."""
    try:
        if _MOMENT.fullmatch(value):
            at = datetime.fromisoformat(value).astimezone(viewer.timezone)
            return format_moment(at, viewer.today, viewer.locale)
        if _DAY.fullmatch(value):
            return format_date(date.fromisoformat(value), viewer.locale)
    except (ValueError, OverflowError):
        pass  # somebody's text that only looks like a day
    return value
