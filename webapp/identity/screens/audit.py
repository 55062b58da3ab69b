"""The audit log as it is shown: an entry in words, with what it changed."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.admin.types import AuditPage
from backend.identity.types import UserRow
from backend.infra.audit import Content
from backend.infra.audit_reading import Line
from backend.infra.formatting import format_date, format_moment, format_money, format_percent, format_size
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import fold
from webapp.core.parts import Chip, Hue
from webapp.core.rendering import Viewer
from webapp.core.tiles import hue_of, initial_of
from webapp.identity.screens import audit_words as words
from webapp.identity.screens.audit_facts import FACTS, OF_ACTION, UNSAID
from webapp.identity.screens.permissions import NAMES
from webapp.identity.screens.person import full_name

ALL: Final = _("All")
_MOST_FACTS: Final = 6
_LONGEST_VALUE: Final = 160
_WORDED: Final = FACTS.keys() | OF_ACTION.keys()
_SUMS: Final = frozenset({"price", "received"})
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_SYSTEM: Final = _("System")
_ON: Final = _("On")
_OFF: Final = _("Off")
_NOTHING: Final = _("None")
# Where a subject's page is, by its kind and with its id; an order's address has its number.
_PAGES: Final[Mapping[str, str]] = {
    "user": "/admin/people/{}",
    "order": "/admin/orders/{}",
    "payment": "/admin/payments/{}",
    "course": "/admin/courses/{}",
    "claim": "/admin/orders/claims/{}",
    "submission": "/admin/assignments/{}",
    "product": "/admin/catalogue/products/{}",
}
_KINDS: Final[Mapping[str, str]] = {
    "user": _("Person"),
    "order": _("Order"),
    "order_line": _("Order line"),
    "payment": _("Payment"),
    "payment_event": _("Provider event"),
    "course": _("Course"),
    "claim": _("Warranty claim"),
    "submission": _("Assignment"),
    "product": _("Product"),
    "category": _("Category"),
    "variant": _("Variant"),
    "batch": _("Batch"),
    "certificate": _("Certificate"),
    "subscription": _("Subscription"),
    "adjustment": _("Balance adjustment"),
    "partner": _("Partner"),
    "promo": _("Promo codes"),
    "bonus_rule": _("Top-up bonus"),
    "vouchers": _("Vouchers"),
    "voucher": _("Voucher"),
    "group": _("Group"),
    "job": _("Job"),
    "spread": _("Spread"),
    "prompt": _("Prompt"),
    "setting": _("Setting"),
    "file": _("File"),
    "enrolment": _("Student"),
    "ticket": _("Ticket"),
    "route": _("Page"),
    "invitation": _("Invitation"),
    "role": _("Role"),
}


class FactView(msgspec.Struct, frozen=True):
    """A name and what it was said to be; with ``before`` also what it was."""

    name: str
    value: str
    before: str | None = None


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. ``kind`` and ``subject`` name what it was done to; ``erased``: its content is gone with the person."""

    id: str
    at: datetime
    who: str
    who_href: str
    initial: str
    hue: Hue
    action: str
    refused: bool
    kind: str
    subject: str
    subject_href: str
    via: str
    network: str
    facts: tuple[FactView, ...] = ()
    erased: bool = False


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """identity/admin/audit.html; for a search or a next page (``more``) also identity/admin/_audit_rows.html."""

    query: str
    hidden: tuple[tuple[str, str], ...]
    groups: tuple[Chip, ...]
    chips: tuple[Chip, ...]
    rows: tuple[AuditRow, ...]
    filters_url: str
    csv_url: str
    next_url: str | None = None
    more: bool = False


class AuditFilters(msgspec.Struct, frozen=True, kw_only=True):
    """identity/admin/_audit_filters.html: ``admins`` by id and name; days as ``2026-05-01``."""

    who: str
    admins: tuple[tuple[str, str], ...]
    since: str
    until: str
    hidden: tuple[tuple[str, str], ...]


def row(line: Line, page: AuditPage, viewer: Viewer) -> AuditRow:
    """An entry for the list."""
    say = viewer.words.gettext
    who = page.names.get(line.actor_id) or str(line.actor_id)[:8] if line.actor_id else say(_SYSTEM)
    kind, subject, href = _subject(line.subject, page, viewer)
    return AuditRow(
        id=str(line.id),
        at=line.at,
        who=who,
        who_href=f"/admin/audit?who={line.actor_id}" if line.actor_id else "",
        initial=initial_of(who),
        hue=hue_of(str(line.actor_id)) if line.actor_id else "grey",
        action=action_words(line.action, viewer),
        refused=line.action == "access.refused",
        kind=kind,
        subject=subject,
        subject_href=href,
        via=say(words.VIA[line.via]) if line.via and line.via in words.VIA else "",
        network=line.network or "",
        facts=_facts(line, viewer),
        erased=line.content is None,
    )


def action_words(action: str, viewer: Viewer) -> str:
    """An action in the reader's language; one without words by its stored name."""
    return viewer.words.gettext(words.ACTIONS[action]) if action in words.ACTIONS else action


def spoken_in(viewer: Viewer) -> Callable[[str], Sequence[str]]:
    """What finds the actions whose words, in the reader's language, have a text in them."""

    def spoken(query: str) -> Sequence[str]:
        plain = fold(query).casefold()
        return [name for name in words.ACTIONS if plain in fold(action_words(name, viewer)).casefold()]

    return spoken


def areas_of(group: str) -> tuple[str, ...]:
    """The areas of a filter's choice; none for an unknown one, which filters nothing."""
    return words.GROUPS[group][1] if group in words.GROUPS else ()


def group_words(viewer: Viewer) -> list[tuple[str, str]]:
    """The filter's choices and their words."""
    return [(key, viewer.words.gettext(said)) for key, (said, _areas) in words.GROUPS.items()]


def columns(viewer: Viewer) -> list[str]:
    """The names of the file's columns."""
    return [viewer.words.gettext(name) for name in words.COLUMNS]


def name_of(person: UserRow) -> str:
    """An admin's name in one line."""
    return full_name(person.first_name, person.last_name) or str(person.telegram_id)


def known(given: str, person: UserId | None, names: Mapping[UserId, str]) -> str:
    """A person of a filter by name; an empty text without one."""
    return names.get(person) or given[:8] if person else ""


def from_day(day: date | None, viewer: Viewer) -> str:
    """The words of a filter's first day."""
    return viewer.words.gettext("From {day}").format(day=format_date(day, viewer.locale)) if day else ""


def to_day(day: date | None, viewer: Viewer) -> str:
    """The words of a filter's last day."""
    return viewer.words.gettext("Until {day}").format(day=format_date(day, viewer.locale)) if day else ""


def subject_words(subject: str, page: AuditPage, viewer: Viewer) -> str:
    """What a filter's entries were done to, in words; an empty text without one."""
    kind, name, _href = _subject(subject, page, viewer)
    return f"{kind} {name}".strip()


def _subject(subject: str, page: AuditPage, viewer: Viewer) -> tuple[str, str, str]:
    """What it was done to: its kind in words, its name, and its page's address."""
    kind, separator, rest = subject.partition(":")
    said = viewer.words.gettext(_KINDS[kind]) if kind in _KINDS else kind
    if not separator:
        return said, "", ""
    number = page.orders.get(subject)
    if kind == "order":
        return said, number or rest[:8], _PAGES["order"].format(number) if number else ""
    try:
        named = UUID(rest)
    except ValueError:
        return said, rest, ""
    name = page.names.get(UserId(named)) if kind == "user" else None
    return said, name or rest[:8], _PAGES[kind].format(rest) if kind in _PAGES else ""


def unworded(action: str, content: Content) -> list[str]:
    """The names of an entry's facts that people would read and that have no words."""
    before, after, params = _changes(content)
    said = [name for name, value in params.items() if name not in UNSAID and not _is_id(value)]
    return [name for name in {**before, **after, **dict.fromkeys(said)} if not {name, f"{action}:{name}"} & _WORDED]


def _facts(line: Line, viewer: Viewer) -> tuple[FactView, ...]:
    content = line.content
    if content is None:
        return ()
    said = functools.partial(_name, line.action, viewer=viewer)
    before, after, params = _changes(content)
    currency = params.get("currency")
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not before:  # something new: what it has
        changed = [name for name in changed if after[name] not in (None, "", [], {})]
    facts = [
        FactView(
            said(name),
            _value(name, after.get(name), viewer, currency),
            _value(name, before.get(name), viewer, currency) if before else None,
        )
        for name in changed
    ]
    if isinstance(params.get("amount"), int) and _is_currency(currency):
        facts.append(FactView(said("amount"), _value("amount", params.pop("amount"), viewer, currency)))
        del params["currency"]
    elif any(_is_sum(name) for name in (*changed, *params)):
        params.pop("currency", None)
    # An id says nothing to people, and the subject has the one that matters.
    plain = [
        (name, value)
        for name, value in params.items()
        if name not in UNSAID and value not in (None, "") and not _is_id(value)
    ]
    facts += [FactView(said(name), _value(name, value, viewer, currency)) for name, value in plain]
    return tuple(facts[:_MOST_FACTS])


def _changes(content: Content) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The changed fields before and after, wherever the entry has them, and its other facts."""
    params, before, after = dict(content.params), dict(content.before or {}), dict(content.after or {})
    if isinstance(params.get("before"), dict) and isinstance(params.get("after"), dict):
        before |= params.pop("before")
        after |= params.pop("after")
    pairs = params.get("changes")
    if isinstance(pairs, dict) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs.values()):
        before |= {name: pair[0] for name, pair in pairs.items()}
        after |= {name: pair[1] for name, pair in pairs.items()}
        del params["changes"]
    return before, after, params


def _name(action: str, name: str, viewer: Viewer) -> str:
    said = OF_ACTION.get(f"{action}:{name}") or FACTS.get(name)
    return viewer.words.gettext(said) if said else name.replace("_", " ")


def _value(name: str, value: Any, viewer: Viewer, currency: object = None) -> str:
    match value:
        case bool():
            return viewer.words.gettext(_ON if value else _OFF)
        # The pattern {} would be every dictionary.
        case _ if value in (None, "", [], {}):
            return viewer.words.gettext(_NOTHING)
        case {"amount": int(amount), "currency": code} if _is_currency(code):
            return format_money(Money(amount, code), viewer.locale)
        case list():
            text = viewer.words.gettext(", ").join(_value(name, item, viewer) for item in value)
        case dict():
            text = viewer.words.gettext(", ").join(
                f"{key}: {_value(name, item, viewer)}" for key, item in value.items()
            )
        case int():
            text = _number(name, value, viewer, currency)
        case _:
            text = _text(name, str(value), viewer)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _number(name: str, value: int, viewer: Viewer, currency: object) -> str:
    if _is_sum(name) and _is_currency(currency):
        return format_money(Money(value, str(currency)), viewer.locale)
    if name == "basis_points":
        return format_percent(Decimal(value) / 100, viewer.locale)
    return format_size(value, viewer.locale) if name == "bytes" else str(value)


def _text(name: str, value: str, viewer: Viewer) -> str:
    """A permission in words, a time in the reader's zone, any other text as it is."""
    if value in NAMES and name in {"permission", "permissions"}:
        return viewer.words.gettext(NAMES[value])
    try:
        if _MOMENT.fullmatch(value):
            at = datetime.fromisoformat(value).astimezone(viewer.timezone)
            return format_moment(at, viewer.today, viewer.locale)
        if _DAY.fullmatch(value):
            return format_date(date.fromisoformat(value), viewer.locale)
    except (ValueError, OverflowError):
        pass  # somebody's text that only looks like a day
    return value


def _is_sum(name: str) -> bool:
    return name.endswith("amount") or name in _SUMS


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and len(value) == 3


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 36 and bool(UUID(value))
    except ValueError:
        return False
