"""The first page of the reading room, and lists of readings."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from backend.kernel.paging import Page
from backend.readings.service.cards import gist_of, name_of
from backend.readings.types import AnswerStatus, ReadingId, Spread, Unopenable
from backend.readings.types.rooms import ReadingPage, ReadingRow, Room
from webapp.readings.cards import CardView, back_view
from webapp.readings.screens.layout import MiniView, mini
from webapp.readings.screens.words import in_language, picture_of

_BEFORE = 3
_LIVE = frozenset({AnswerStatus.WAITING, AnswerStatus.RUNNING})


class SpreadCard(msgspec.Struct, frozen=True, kw_only=True):
    """A spread to choose."""

    slug: str
    name: str
    summary: str
    credits: int
    mini: MiniView


class FreeView(msgspec.Struct, frozen=True, kw_only=True):
    """The free card of the day: ``ready`` to be turned over, or turned, with what it is."""

    reading_id: ReadingId | None
    ready: bool = False
    next_at: datetime | None = None
    card: CardView | None = None
    name: str = ""
    gist: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A reading in a list."""

    id: ReadingId
    spread: str
    question: str
    unopenable: bool
    at: datetime
    free: bool
    live: bool
    failed: bool


class HomePage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/home.html. ``fresh``: the free card has just been turned over."""

    spreads: tuple[SpreadCard, ...]
    balance: int
    free: FreeView | None
    before: tuple[Row, ...]
    more: bool
    back: CardView
    fresh: bool = False


class HistoryRows(msgspec.Struct, frozen=True, kw_only=True):
    """readings/_history.html: rows, and where the next ones begin."""

    rows: tuple[Row, ...]
    next: str | None


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/history.html."""

    rows: HistoryRows
    export: str
    """The address of all of them as a file."""


def home_page(
    room: Room, waiting: UUID | None, turned: ReadingPage | None, language: str, *, fresh: bool = False
) -> HomePage:
    """The page; ``waiting`` is the draw of a free card that can be turned over, ``turned`` the one of today."""
    return HomePage(
        spreads=tuple(_spread(item, language) for item in room.spreads),
        balance=room.credits,
        free=_free(room, waiting, turned, language),
        before=tuple(row(item, language) for item in room.latest[:_BEFORE]),
        more=len(room.latest) > _BEFORE,
        back=back_view(),
        fresh=fresh,
    )


def _spread(spread: Spread, language: str) -> SpreadCard:
    return SpreadCard(
        slug=spread.slug,
        name=in_language(spread.body.name, language),
        summary=in_language(spread.body.summary, language),
        credits=spread.credits,
        mini=mini(spread.body.positions),
    )


def _free(room: Room, waiting: UUID | None, turned: ReadingPage | None, language: str) -> FreeView | None:
    free = room.free_card
    if free is None:
        return None
    if free.next_at is None:
        return FreeView(reading_id=None if waiting is None else ReadingId(waiting), ready=waiting is not None)
    if turned is None:
        return FreeView(reading_id=None, next_at=free.next_at)
    (card,) = turned.cards[:1]
    return FreeView(
        reading_id=turned.id,
        next_at=free.next_at,
        card=picture_of(card, language),
        name=name_of(card, language),
        gist=gist_of(card, language),
    )


def row(item: ReadingRow, language: str) -> Row:
    """A reading in a list."""
    unopenable = isinstance(item.question, Unopenable)
    return Row(
        id=item.id,
        spread=in_language(item.name, language),
        question="" if isinstance(item.question, Unopenable) else item.question,
        unopenable=unopenable,
        at=item.asked_at,
        free=item.free,
        live=item.status in _LIVE,
        failed=item.status in {AnswerStatus.FAILED, AnswerStatus.STOPPED},
    )


def history_rows(listed: Page[ReadingRow], language: str) -> HistoryRows:
    """A part of the list of readings."""
    return HistoryRows(rows=tuple(row(item, language) for item in listed.items), next=listed.next_cursor)
