"""The audit log: who did what, on what, when and from where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.response import Stream
from msgspec import Meta

from backend.admin.types import AuditPage
from backend.identity.types import Permission
from backend.infra.audit_reading import Chosen
from backend.infra.formatting import timezone
from backend.kernel.ids import UserId
from backend.kernel.text import fold, searched
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more
from webapp.core.back_office import manage_page
from webapp.core.downloads import csv_file, downloader
from webapp.core.guards import PUBLIC, requires
from webapp.core.parts import Chip, address
from webapp.core.rendering import Viewer
from webapp.core.responses import Html, fragment, sheet, signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.identity.screens import audit as present
from webapp.identity.screens.audit import AuditFilters, AuditView
from webapp.identity.screens.audit_values import ALL

_ADMINS = requires(Permission.ADMINS)
_AUDIT: Final = "/admin/audit"
_FILE: Final = _AUDIT + "/souk-audit.csv"
_FILE_SECONDS: Final = 3600


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The search, the filters and the page of the log; days are the reader's own, both included."""

    q: Annotated[str, Meta(max_length=200)] = ""
    group: Annotated[str, Meta(max_length=20)] = ""
    who: Annotated[str, Meta(max_length=36)] = ""
    """An admin's id."""
    about: Annotated[str, Meta(max_length=36)] = ""
    """A person's id: what was done to them."""
    on: Annotated[str, Meta(max_length=200)] = ""
    """A subject."""
    since: Annotated[str, Meta(max_length=10)] = ""
    until: Annotated[str, Meta(max_length=10)] = ""
    cursor: Annotated[str, Meta(max_length=200)] = ""

    def href(self, path: str = _AUDIT, **change: str) -> str:
        """The address of the log with these filters changed."""
        query = msgspec.structs.replace(self, **{"cursor": "", **change})
        return address(path, **{name: str(value) for name, value in msgspec.structs.asdict(query).items()})

    def chosen(self, zone: str) -> Chosen:
        """What the filters ask for; what is no id and no day is passed over."""
        since, until = _day(self.since), _day(self.until)
        return Chosen(
            actor_id=_id(self.who),
            areas=present.areas_of(self.group),
            subject=self.on,
            person_id=_id(self.about),
            since=_midnight(since, zone) if since else None,
            until=_midnight(until + timedelta(days=1), zone) if until else None,
        )


@get(_AUDIT, name="admin:audit", guards=[_ADMINS])
async def audit_log(request: SoukRequest) -> Html:
    """The entries, the latest first; a search and a next page get rows only. Raises Invalid."""
    query = forms.read_query(request, AuditQuery)
    site, actor = site_of(request), request.user
    viewer = site.viewer(actor)
    page = await site.services.audit.list_entries(
        actor,
        query.chosen(actor.timezone),
        query=searched(query.q),
        spoken=present.spoken_in(viewer),
        cursor=query.cursor or None,
    )
    names = dict(page.names)
    asked = [one for one in (_id(query.who), _id(query.about)) if one and one not in names]
    names |= await site.services.identity.people.names_of(actor, asked)
    view = AuditView(
        query=query.q,
        hidden=_hidden(query),
        groups=_groups(query, viewer),
        chips=_chips(query, names, page, viewer),
        rows=tuple(present.row(line, page, site.settings.shop_currency, viewer) for line in page.lines),
        filters_url=query.href(_AUDIT + "/filters"),
        csv_url=signed_url(request, query.href(_FILE), seconds=_FILE_SECONDS),
        next_url=query.href(cursor=page.next_cursor) if page.next_cursor else None,
        more=asked_for_more(request, query.cursor),
    )
    if view.more or asked_by(request, "results"):
        return fragment(request, "identity/admin/_audit_rows.html", view)
    return manage_page(request, "identity/admin/audit.html", view, "audit")


@get(_AUDIT + "/filters", name="admin:audit-filters", guards=[_ADMINS])
async def filters(request: SoukRequest) -> Html:
    """The sheet with the filters that are no chips: who did it, and when."""
    query = forms.read_query(request, AuditQuery)
    admins = await site_of(request).services.identity.admins.list_admins(request.user)
    view = AuditFilters(
        who=query.who,
        admins=tuple((str(one.id), present.name_of(one)) for one in admins),
        since=query.since if _day(query.since) else "",
        until=query.until if _day(query.until) else "",
        hidden=tuple((name, value) for name, value in _given(query) if name not in {"who", "since", "until"}),
    )
    return sheet(request, "identity/admin/_audit_filters.html", view)


@get(_FILE, name="admin:audit-csv", opt=PUBLIC)
async def audit_csv(request: Request[Any, Any, Any]) -> Stream:
    """The same entries as a file, by signed address."""
    actor, site = await downloader(request), site_of(request)
    query, viewer = forms.read_query(request, AuditQuery), site.viewer(actor)
    pieces = await site.services.audit.export(
        actor,
        query.chosen(actor.timezone),
        header=present.columns(viewer),
        words=lambda action: present.action_words(action, viewer),
        query=searched(query.q),
        spoken=present.spoken_in(viewer),
    )
    return csv_file(pieces, "souk-audit.csv")


def _given(query: AuditQuery) -> list[tuple[str, str]]:
    return [(name, value) for name, value in msgspec.structs.asdict(query).items() if value and name != "cursor"]


def _hidden(query: AuditQuery) -> tuple[tuple[str, str], ...]:
    """The filters, which a search keeps."""
    return tuple((name, value) for name, value in _given(query) if name != "q")


def _groups(query: AuditQuery, viewer: Viewer) -> tuple[Chip, ...]:
    chips = [Chip(query.href(group=""), active=not query.group, label=viewer.words.gettext(ALL))]
    for key, words in present.group_words(viewer):
        chips.append(Chip(query.href(group=key), active=query.group == key, label=words))
    return tuple(chips)


def _chips(query: AuditQuery, names: dict[UserId, str], page: AuditPage, viewer: Viewer) -> tuple[Chip, ...]:
    """The other filters in force, each of which a tap takes off."""
    chips: Sequence[tuple[str, str]] = (
        ("who", present.known(query.who, _id(query.who), names)),
        ("about", present.known(query.about, _id(query.about), names)),
        ("on", present.subject_words(query.on, page, viewer)),
        ("since", present.from_day(_day(query.since), viewer)),
        ("until", present.to_day(_day(query.until), viewer)),
    )
    return tuple(Chip(query.href(**{name: ""}), active=True, label=label) for name, label in chips if label)


def _id(text: str) -> UserId | None:
    try:
        return UserId(UUID(text))
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(fold(text))
    except ValueError:
        return None
    return day if 2000 <= day.year < 2900 else None


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time.min, timezone(zone))


HANDLERS: Final = (audit_log, filters, audit_csv)
