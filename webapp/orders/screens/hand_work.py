"""The queue of goods by hand in the back office, and one line of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from backend.catalog.types.hand_work import MOST_RESULT, HandWork, WorkCount, WorkState
from backend.catalog.words import goods_name
from backend.identity.types import Actor
from backend.kernel.ids import UserId
from backend.kernel.text import pick
from backend.orders.types.lines import LineOwner
from webapp.core.looks import Picture, tile
from webapp.core.parts import Chip, TileView
from webapp.core.rendering import Viewer
from webapp.orders.screens.answers import AnsweredLine

FieldError = Literal["", "required", "too_long", "too_large"]


class WorkRow(msgspec.Struct, frozen=True):
    """A line to prepare; ``taken_by`` is the name of who prepares it, empty for nobody."""

    id: str
    title: str
    tile: TileView
    quantity: int
    number: str
    buyer: str
    due_at: datetime
    overdue: bool
    taken_by: str = ""
    mine: bool = False
    taken_at: datetime | None = None
    answers: tuple[str, ...] = ()
    """What the buyer has answered, in short."""


class WorkPage(msgspec.Struct, frozen=True):
    """orders/admin/work.html"""

    rows: tuple[WorkRow, ...]
    views: tuple[Chip, ...] = ()
    counts: WorkCount = WorkCount(0, 0)


class HandOverSheet(msgspec.Struct, frozen=True):
    """orders/admin/_work_hand_over.html: who gets a line to prepare."""

    action: str
    admins: tuple[tuple[str, str], ...]
    error: bool = False


class WorkItemPage(msgspec.Struct, frozen=True):
    """orders/admin/work_item.html: one line; ``typed`` is the text that could not be delivered.

    ``holder`` is the id of who prepares it, which taking it over must name.
    """

    row: WorkRow
    state: WorkState
    opened_at: datetime
    holder: str = ""
    ended_at: datetime | None = None
    ended_by: str = ""
    reason: str = ""
    file_name: str = ""
    typed: str = ""
    longest: int = MOST_RESULT
    text_error: FieldError = ""
    file_error: FieldError = ""
    answered: tuple[AnsweredLine, ...] = ()
    """What the buyer was asked and has answered."""


def row(
    work: HandWork, owner: LineOwner | None, names: Mapping[UserId, str], actor: Actor, viewer: Viewer, picture: Picture
) -> WorkRow:
    """A line of the queue."""
    name = pick(work.name, actor.language)
    return WorkRow(
        id=str(work.line_id),
        title=goods_name(work.name, work.variant_name, work.country, actor.language),
        tile=tile(name, work.hue, work.icon, work.country, picture(work.picture)),
        quantity=work.quantity,
        number=owner.number if owner else "—",
        buyer=names.get(owner.buyer_id, "—") if owner else "—",
        due_at=work.due_at,
        overdue=work.is_overdue(viewer.now),
        taken_by=names.get(work.taken_by, "—") if work.taken_by else "",
        mine=work.taken_by == actor.user_id,
        taken_at=work.taken_at,
    )


def item(work: HandWork, shown: WorkRow, names: Mapping[UserId, str]) -> WorkItemPage:
    """One line, to be prepared or ended."""
    return WorkItemPage(
        row=shown,
        state=work.state,
        opened_at=work.opened_at,
        holder=str(work.taken_by or ""),
        ended_at=work.ended_at,
        ended_by=names.get(work.ended_by, "—") if work.ended_by else "",
        reason=work.reason or "",
        file_name=work.file_name or "",
    )
