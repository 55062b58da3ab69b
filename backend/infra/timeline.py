"""What happened to a person, from many sources, as one list: the newest first, merged without a gap.

Entries are ordered by time, then by kind, then by id. Each source reads by an index of its own and gives a page at
most, so that a page costs the same however much has happened. See decisions/0134.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from heapq import merge
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Select, tuple_

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.kernel.money import Money


class EntryKind(StrEnum):
    """What an entry is about; of entries of one moment the later kind comes first."""

    VISIT = "visit"
    COURSE = "course"
    CERTIFICATE = "certificate"
    READING = "reading"
    PAYMENT = "payment"
    TRANSFER = "transfer"
    ORDER = "order"
    REFUND = "refund"
    MESSAGE = "message"
    TICKET = "ticket"
    ACTION = "action"
    NOTE = "note"


_RANKS: Final = {kind: rank for rank, kind in enumerate(EntryKind)}
_LOWEST: Final = UUID(int=0)
_HIGHEST: Final = UUID(int=2**128 - 1)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened; which of the fields are given depends on its kind."""

    kind: EntryKind
    at: datetime
    id: UUID
    """Of this kind no other entry has it."""
    state: str = ""
    """A stored status, the kind of a message or transfer, or an admin's action: the screens have the words."""
    delivery: str = ""
    """Whether a message arrived, as notifications store it."""
    number: str = ""
    """What a person reads: of an order, a payment or a certificate."""
    name: Mapping[str, str] = {}
    """By language."""
    amount: Money | None = None
    by: UserId | None = None
    """Who did it, where it was not the person."""
    text: str = ""
    """An admin's words."""
    edited: bool = False


class Before(msgspec.Struct, frozen=True):
    """Below what a source continues: (at, id) of its entries is smaller than this."""

    at: datetime
    id: UUID


class Source(msgspec.Struct, frozen=True):
    """Where entries of one kind are read; ``list`` gives the newest ones before a place, at most as many as asked."""

    kind: EntryKind
    list: Callable[[Tx, UserId, Before, int], Awaitable[list[Entry]]]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The place of the last entry of a page."""

    at: datetime
    kind: str
    id: UUID


FIRST: Final = Before(datetime(2999, 1, 1, tzinfo=UTC), _HIGHEST)
"""Before the first page."""


def before(kind: EntryKind, cursor: Cursor | None) -> Before:
    """Where the source of ``kind`` continues below ``cursor``. Raises Invalid for a cursor of another version."""
    if cursor is None:
        return FIRST
    try:
        of = _RANKS[EntryKind(cursor.kind)]
    except ValueError:
        raise Invalid("a cursor of no kind", fields={"cursor": "bad_cursor"}) from None
    if _RANKS[kind] == of:
        return Before(cursor.at, cursor.id)
    return Before(cursor.at, _HIGHEST if _RANKS[kind] < of else _LOWEST)


def newest(statement: Select[*tuple[Any, ...]], place: tuple[Any, Any], before: Before, limit: int) -> Select[Any]:
    """The newest rows of a source's statement before a place, whose columns are ``place``: a moment and an id."""
    below = tuple_(*place) < tuple_(before.at, before.id)
    return statement.where(below).order_by(*(column.desc() for column in place)).limit(limit)


def _key(entry: Entry) -> tuple[datetime, int, UUID]:
    return entry.at, _RANKS[entry.kind], entry.id


async def list_entries(
    tx: Tx, sources: Iterable[Source], user_id: UserId, cursor: Cursor | None, limit: int
) -> tuple[list[Entry], Cursor | None]:
    """At most ``limit`` entries of all sources below ``cursor``, the newest first; and the cursor of the next page."""
    read = [await source.list(tx, user_id, before(source.kind, cursor), limit + 1) for source in sources]
    entries = list(merge(*read, key=_key, reverse=True))
    if len(entries) <= limit:
        return entries, None
    last = entries[limit - 1]
    return entries[:limit], Cursor(last.at, last.kind, last.id)
