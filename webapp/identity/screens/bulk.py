"""Many people at once: who is chosen, what would happen, what happened, and what an undo did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.audience.types import PeopleAction, PeopleBulk, PeopleBulkStatus, PeopleGroup
from backend.identity.types import Actor
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from webapp.core.rendering import Viewer

BULK: Final = "/admin/people/bulk"
TITLES: Final = {
    PeopleAction.BLOCK: _("Block people"),
    PeopleAction.UNBLOCK: _("Unblock people"),
    PeopleAction.RESELLER_ON: _("Switch reseller prices on"),
    PeopleAction.RESELLER_OFF: _("Switch reseller prices off"),
}
_WHY: Final = {
    "not_yourself": _("Yourself"),
    "root_protected": _("The root admin"),
    "other_admin": _("Other admins"),
    "forbidden": _("Other admins"),
    "already": _("Already so"),
    "changed": _("Changed since"),
    "block_over": _("Their block would be over by now"),
    "no_right": _("The admin may no longer do this"),
}
_OTHER: Final = _("Failed: %(code)s")


class CrowdSheet(msgspec.Struct, frozen=True, kw_only=True):
    """identity/admin/_crowd_actions.html: what can be done to the chosen people."""

    intent: str
    hidden: tuple[tuple[str, str], ...]
    """Who those are: their ids, or the filters of all of them."""
    count: int
    action: str = PeopleAction.BLOCK
    reason: str = ""
    until: str = ""
    error: Literal["", "reason", "until", "people", "too_many"] = ""
    most: int = 0


class CrowdReason(msgspec.Struct, frozen=True):
    """Why some people were left as they are: how many, and the names of the first."""

    why: str
    people: int
    first: tuple[str, ...]
    more: int


class CrowdPage(msgspec.Struct, frozen=True, kw_only=True):
    """identity/admin/crowd.html; identity/admin/_crowd_state.html is its changing part."""

    id: str
    action: PeopleAction
    title: str
    status: PeopleBulkStatus
    bulk: PeopleBulk
    by: str
    undone_by: str
    can_start: bool
    until: datetime | None
    refusals: tuple[CrowdReason, ...] = ()
    failures: tuple[CrowdReason, ...] = ()
    keeps: tuple[CrowdReason, ...] = ()

    @property
    def ended(self) -> int:
        """How many of those that can be acted on have had their turn."""
        return self.bulk.able - self.bulk.left


class CrowdRow(msgspec.Struct, frozen=True):
    """An action in the list of the latest."""

    page: CrowdPage
    href: str


class CrowdsPage(msgspec.Struct, frozen=True):
    """identity/admin/crowds.html"""

    rows: tuple[CrowdRow, ...]


def crowd_page(bulk: PeopleBulk, names: Mapping[UserId, str], actor: Actor, viewer: Viewer) -> CrowdPage:
    """An action, from its preview to its undo."""
    return CrowdPage(
        id=str(bulk.id),
        action=bulk.terms.action,
        title=viewer.words.gettext(TITLES[bulk.terms.action]),
        status=bulk.status,
        bulk=bulk,
        by=names.get(bulk.by, "—"),
        undone_by=names.get(bulk.undone_by, "—") if bulk.undone_by else "",
        can_start=bulk.status is PeopleBulkStatus.DRAFT and bulk.by == actor.user_id and bulk.able > 0,
        until=bulk.terms.until,
        refusals=_reasons(bulk.refusals, names, viewer),
        failures=_reasons(bulk.failures, names, viewer),
        keeps=_reasons(bulk.keeps, names, viewer),
    )


def people_in(bulk: PeopleBulk) -> Iterator[UserId]:
    """Everybody whose name the page of an action says."""
    yield from (one for one in (bulk.by, bulk.undone_by) if one)
    for group in (*bulk.refusals, *bulk.failures, *bulk.keeps):
        yield from group.first


def _reasons(groups: Sequence[PeopleGroup], names: Mapping[UserId, str], viewer: Viewer) -> tuple[CrowdReason, ...]:
    say = viewer.words.gettext
    return tuple(
        CrowdReason(
            say(_WHY[one.code]) if one.code in _WHY else say(_OTHER) % {"code": one.code},
            one.people,
            tuple(names.get(person) or "—" for person in one.first),
            one.people - len(one.first),
        )
        for one in groups
    )
