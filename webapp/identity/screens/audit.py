"""The audit log as it is shown: an entry in words, with what it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.admin.types import AuditPage
from backend.approvals.words import KINDS as VALUE_KINDS
from backend.identity.types import UserRow
from backend.infra.audit import Content
from backend.infra.audit_reading import Line
from backend.infra.formatting import format_date
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.text import fold
from webapp.core.parts import Chip, Hue
from webapp.core.rendering import Viewer
from webapp.core.tiles import hue_of, initial_of
from webapp.identity.screens import audit_words as words
from webapp.identity.screens.audit_facts import FACTS, OF_ACTION, UNSAID
from webapp.identity.screens.audit_values import Entry, fact_name, fact_value, has_amount, is_id
from webapp.identity.screens.person import full_name

_MOST_FACTS: Final = 6
_WORDED: Final = FACTS.keys() | OF_ACTION.keys()
_SYSTEM: Final = _("System")
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
    **{kind.value: title for kind, title in VALUE_KINDS.items()},
    "user": _("Person"),
    "users": _("People"),
    "note": _("Note"),
    "segment": _("Segment"),
    "audit": _("Audit log"),
    "order": _("Order"),
    "orders": _("Orders"),
    "order_line": _("Order line"),
    "bulk": _("Action"),
    "payment": _("Payment"),
    "payments": _("Payments"),
    "payment_event": _("Provider event"),
    "course": _("Course"),
    "claim": _("Warranty claim"),
    "submission": _("Assignment"),
    "product": _("Product"),
    "category": _("Category"),
    "variant": _("Variant"),
    "batch": _("Batch"),
    "stock_import": _("Keys"),
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
    "spreads": _("Spreads"),
    "prompt": _("Prompt"),
    "setting": _("Setting"),
    "file": _("File"),
    "enrolment": _("Student"),
    "ticket": _("Ticket"),
    "ready_answer": _("Ready answer"),
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


def row(line: Line, page: AuditPage, shop_currency: str, viewer: Viewer) -> AuditRow:
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
        facts=_facts(line, shop_currency, viewer),
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
    said = [name for name, value in params.items() if name not in UNSAID and not is_id(value)]
    return [name for name in {**before, **after, **dict.fromkeys(said)} if not {name, f"{action}:{name}"} & _WORDED]


def _facts(line: Line, shop_currency: str, viewer: Viewer) -> tuple[FactView, ...]:
    if line.content is None:
        return ()
    before, after, params = _changes(line.content)
    entry = Entry(line.action, line.subject, {**before, **after, **params}, shop_currency, viewer)
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not before:  # something new: what it has
        changed = [name for name in changed if after[name] not in (None, "", [], {})]
    facts = [
        FactView(
            fact_name(line.action, name, viewer),
            fact_value(name, after.get(name), entry),
            fact_value(name, before.get(name), entry) if before else None,
        )
        for name in changed
    ]
    facts += [
        FactView(fact_name(line.action, name, viewer), fact_value(name, value, entry))
        for name, value in _plain(line.action, changed, params)
    ]
    return tuple(facts[:_MOST_FACTS])


def _plain(action: str, changed: Sequence[str], params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The facts that are no changes, an amount first. A currency is said with its amounts."""
    amounts = any(has_amount(action, name) for name in (*changed, *params))
    # An id says nothing to people, and the subject has the one that matters.
    facts = [
        (name, value)
        for name, value in params.items()
        if name not in UNSAID
        and value not in (None, "")
        and not is_id(value)
        and not (amounts and name in {"currency", "asset"})
    ]
    return sorted(facts, key=lambda fact: fact[0] != "amount")


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
