"""Days and amounts to which lists of the back office are narrowed: their words, and what is wrong with them."""

from __future__ import annotations

from datetime import date
from typing import Final, Protocol

from backend.infra.formatting import format_date, format_money
from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from webapp.core.rendering import Viewer

_FROM: Final = _("From %(least)s")
_UP_TO: Final = _("Up to %(most)s")
_SINCE: Final = _("Since %(day)s")
_UNTIL: Final = _("Until %(day)s")


class Ranges(Protocol):
    """A list's query with its days and amounts."""

    @property
    def since(self) -> date | None: ...
    @property
    def until(self) -> date | None: ...
    @property
    def least(self) -> Money | None: ...
    @property
    def most(self) -> Money | None: ...


def range_labels(
    since: date | None, until: date | None, least: Money | None, most: Money | None, viewer: Viewer
) -> list[tuple[str, str]]:
    """The name of each field that is given, with its words."""
    say, locale = viewer.words.gettext, viewer.locale
    labels = [
        ("since", say(_SINCE) % {"day": format_date(since, locale)} if since else ""),
        ("until", say(_UNTIL) % {"day": format_date(until, locale)} if until else ""),
        ("least", say(_FROM) % {"least": format_money(least, locale)} if least is not None else ""),
        ("most", say(_UP_TO) % {"most": format_money(most, locale)} if most is not None else ""),
    ]
    return [(name, text) for name, text in labels if text]


def reversed_range(query: Ranges) -> str:
    """The field of a range that ends before it begins; empty where there is none."""
    if query.since and query.until and query.until < query.since:
        return "until"
    if query.least is not None and query.most is not None and query.most < query.least:
        return "most"
    return ""
