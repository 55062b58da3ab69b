"""The list of people with its filters, and segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from backend.audience.types import Bought, PeopleFilter, Segment
from backend.identity.types import Actor
from backend.infra.formatting import format_money
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale
from webapp.core.parts import Chip, address
from webapp.core.rendering import Viewer
from webapp.identity.screens.person import ManagePersonRow

BOUGHT: Final[dict[Bought, str]] = {
    Bought.EVER: _("Buyers"),
    Bought.NEVER: _("Never bought"),
    Bought.DAYS_30: _("Bought in 30 days"),
    Bought.DAYS_90: _("Bought in 90 days"),
}
_HEADER: Final = (
    _("Telegram ID"), _("Name"), _("Username"), _("Language"), _("First visit"), _("Blocked"),
    _("Premium with no end date"), _("Reseller"), _("Bot blocked"),
)  # fmt: skip


class ManagePeople(msgspec.Struct, frozen=True):
    """identity/admin/people.html; for a search or a next page (``more``) also identity/admin/_people_rows.html."""

    query: str
    rows: tuple[ManagePersonRow, ...]
    next_url: str | None = None
    more: bool = False
    count: int = 0
    chips: tuple[Chip, ...] = ()
    segments: tuple[Chip, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    export_url: str = ""
    save_url: str = ""
    select: bool = False
    """Rows can be chosen."""
    choosing: Chip | None = None
    """Begins or ends choosing."""
    filters: tuple[tuple[str, str], ...] = ()
    """What the list is narrowed to, for an action on all of it."""


class SegmentSheet(msgspec.Struct, frozen=True):
    """identity/admin/_segment.html; ``delete`` is where an existing one is deleted."""

    action: str
    name: str = ""
    shared: bool = False
    delete: str = ""
    error: str = ""


class SegmentLine(msgspec.Struct, frozen=True):
    """A segment in the list; ``edit`` is the address of its sheet, for its owner; ``owner`` is another admin's name."""

    name: str
    href: str
    people: int
    shared: bool
    edit: str = ""
    owner: str = ""


class SegmentsPage(msgspec.Struct, frozen=True):
    """identity/admin/segments.html"""

    rows: tuple[SegmentLine, ...]


def path_of(
    chosen: PeopleFilter,
    currency: str,
    path: str = "/admin/people",
    cursor: str | None = None,
    *,
    select: bool = False,
) -> str:
    """The address of the people whom a filter means; ``select`` to choose among them."""
    return address(path, **dict(parameters(chosen, currency)), select="1" if select else None, cursor=cursor)


def next_address(chosen: PeopleFilter, currency: str, cursor: str | None, *, select: bool = False) -> str | None:
    """The address of the next page; None on the last one."""
    return path_of(chosen, currency, cursor=cursor, select=select) if cursor else None


def hidden(chosen: PeopleFilter, currency: str, *, select: bool = False) -> tuple[tuple[str, str], ...]:
    """What a search keeps: the filters, and whether rows can be chosen."""
    untouched = parameters(replace(chosen, text=""), currency)
    return (*untouched, ("select", "1")) if select else untouched


def parameters(chosen: PeopleFilter, currency: str) -> tuple[tuple[str, str], ...]:
    """A filter as the address and forms have it."""
    values = {
        "q": chosen.text,
        "blocked": "1" if chosen.blocked else "",
        "premium": "1" if chosen.premium else "",
        "reseller": "1" if chosen.reseller else "",
        "bought": chosen.bought.value if chosen.bought else "",
        "over": str(Money(chosen.over, currency).decimal()) if chosen.over is not None else "",
        "language": chosen.language.value if chosen.language else "",
        "source": chosen.source,
    }
    return tuple((name, value) for name, value in values.items() if value)


def chips(chosen: PeopleFilter, currency: str, viewer: Viewer, *, select: bool = False) -> tuple[Chip, ...]:
    """The filters that add up; each turns itself on or off."""
    say = viewer.words.gettext
    options: list[tuple[str, bool, PeopleFilter]] = [
        (say(words), chosen.bought is kind, replace(chosen, bought=None if chosen.bought is kind else kind))
        for kind, words in BOUGHT.items()
    ]
    over = Money(chosen.over or 0, currency)
    options += [
        (say(_("Premium")), chosen.premium, replace(chosen, premium=not chosen.premium)),
        (say(_("Resellers")), chosen.reseller, replace(chosen, reseller=not chosen.reseller)),
        (say(_("Blocked")), chosen.blocked, replace(chosen, blocked=not chosen.blocked)),
        (
            say(_("Balance over %(amount)s")) % {"amount": format_money(over, viewer.locale)},
            chosen.over is not None,
            replace(chosen, over=None if chosen.over is not None else 0),
        ),
    ]
    for language in Locale:
        on = chosen.language is language
        options.append((language.own_name, on, replace(chosen, language=None if on else language)))
    if chosen.source:
        options.append((chosen.source, True, replace(chosen, source="")))
    ordered = sorted(options, key=lambda option: not option[1])
    return tuple(
        Chip(href=path_of(then, currency, select=select), active=on, label=label) for label, on, then in ordered
    )


def segment_chips(segments: Sequence[Segment], chosen: PeopleFilter, currency: str) -> tuple[Chip, ...]:
    """Saved filters; the one that the list has is chosen."""
    return tuple(
        Chip(
            href=path_of(PeopleFilter() if one.filter == chosen else one.filter, currency),
            active=one.filter == chosen,
            label=one.name,
            icon="star",
        )
        for one in segments
    )


def segment_rows(
    segments: Sequence[Segment], names: Mapping[UserId, str], actor: Actor, currency: str
) -> tuple[SegmentLine, ...]:
    """Segments, those of others without a way to change them."""
    return tuple(
        SegmentLine(
            name=one.name,
            href=path_of(one.filter, currency),
            people=one.people,
            shared=one.shared,
            edit=f"/admin/segments/{one.id}" if one.owner_id == actor.user_id else "",
            owner="" if one.owner_id == actor.user_id else names.get(one.owner_id, ""),
        )
        for one in segments
    )


def header(viewer: Viewer) -> list[str]:
    """The columns of the file of people."""
    return [viewer.words.gettext(name) for name in _HEADER]
