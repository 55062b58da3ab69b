"""The audit trail for those who watch over it: searched, filtered and exported."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final
from uuid import UUID

import msgspec

from backend.admin.types import AuditPage
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit, audit_reading, spreadsheets
from backend.infra.audit_reading import Chosen, Cursor, Line, Search
from backend.infra.formatting import timezone
from backend.infra.spreadsheets import Cell
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import OrderId, UserId
from backend.kernel.paging import decode_cursor, encode_cursor
from backend.kernel.text import fold
from backend.orders import domain as orders

_PAGE: Final = 30
_BATCH: Final = 500
_LAST_ID: Final = UUID(int=2**128 - 1)
_PEOPLE: Final = 10
"""How many people of a name are looked for at once."""
_SUBJECT: Final = re.compile("[a-z_]{2,30}:.{1,150}")
SUBJECTS: Final = (
    "user", "order", "payment", "payment_event", "course", "certificate", "claim", "subscription", "order_line",
    "adjustment", "variant", "product", "category", "batch", "submission", "spread", "ticket", "partner", "promo",
    "bonus_rule", "vouchers", "voucher", "group", "job", "enrolment", "credits", "refund", "deposit", "unmatched",
    "session", "invitation", "role", "segment",
)  # fmt: skip
"""The kinds of subjects that have an id of their own: what a bare id in a search may mean."""


class AuditService:
    """Reads the audit trail. Every use case needs the permission for admins: the trail is how admins are watched."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_entries(
        self,
        actor: Actor,
        chosen: Chosen,
        *,
        query: str = "",
        spoken: Callable[[str], Sequence[str]] = lambda query: (),
        cursor: str | None = None,
    ) -> AuditPage:
        """30 entries, the latest first.

        ``query`` finds people by name, @username or Telegram ID, an order by its number, a subject by its id, and
        actions by their words: ``spoken`` has those of the reader's language. Raises Forbidden, Invalid.
        """
        actor.require(Permission.ADMINS)
        after = decode_cursor(cursor, Cursor) if cursor else None
        async with self._uow.read() as tx:
            chosen = await _with_search(tx, chosen, query, spoken)
            lines = await audit_reading.find(tx, chosen, after, _PAGE + 1)
            more, lines = len(lines) > _PAGE, lines[:_PAGE]
            return AuditPage(
                lines=lines,
                names=await _names(tx, lines),
                orders=await _numbers(tx, lines),
                next_cursor=encode_cursor(Cursor(lines[-1].at, lines[-1].id)) if more else None,
            )

    async def export(
        self,
        actor: Actor,
        chosen: Chosen,
        *,
        header: Sequence[str],
        words: Callable[[str], str],
        query: str = "",
        spoken: Callable[[str], Sequence[str]] = lambda query: (),
    ) -> AsyncIterator[str]:
        """The same entries as CSV, in pieces, however many; recorded first. Times are in the actor's zone.

        ``header`` has the names of the ten columns, ``words`` those of an action. Raises Forbidden.
        """
        actor.require(Permission.ADMINS)
        async with self._uow() as tx:
            chosen = await _with_search(tx, chosen, query, spoken)
            await audit.record(tx, actor.user_id, "audit.export", "audit:entries", _facts(chosen))
            # What is written while the file is made does not lengthen it.
            start = Cursor(tx.now, _LAST_ID)
        return self._rows(actor, chosen, start, header, words)

    async def _rows(
        self, actor: Actor, chosen: Chosen, after: Cursor, header: Sequence[str], words: Callable[[str], str]
    ) -> AsyncIterator[str]:
        there = timezone(actor.timezone)
        yield spreadsheets.first_line(header)
        # A batch at a time: no transaction stays open while a slow phone downloads.
        while True:
            async with self._uow.read() as tx:
                lines = await audit_reading.find(tx, chosen, after, _BATCH)
                names = await _names(tx, lines)
            if lines:
                yield spreadsheets.lines([line.at.astimezone(there), *_cells(line, names, words)] for line in lines)
            if len(lines) < _BATCH:
                return
            after = Cursor(lines[-1].at, lines[-1].id)


def _cells(line: Line, names: dict[UserId, str], words: Callable[[str], str]) -> list[Cell]:
    content = line.content
    parts = (content.params, content.before, content.after) if content else ()
    said = [msgspec.json.encode(part).decode() if part else "" for part in parts] or ["erased", "", ""]
    who = names.get(line.actor_id, str(line.actor_id)) if line.actor_id else ""
    return [who, words(line.action), line.action, line.subject, *said, line.via or "", line.network or ""]


def _facts(chosen: Chosen) -> dict[str, str]:
    """What was asked for, without what was typed into the search."""
    facts = {"areas": ", ".join(chosen.areas), "subject": chosen.subject}
    facts |= {"actor": str(chosen.actor_id or ""), "since": str(chosen.since or ""), "until": str(chosen.until or "")}
    return {name: value for name, value in facts.items() if value}


async def _with_search(tx: Tx, chosen: Chosen, query: str, spoken: Callable[[str], Sequence[str]]) -> Chosen:
    query = fold(query)
    if not query:
        return chosen
    return msgspec.structs.replace(chosen, search=await _search(tx, query, spoken))


async def _search(tx: Tx, query: str, spoken: Callable[[str], Sequence[str]]) -> Search:
    try:
        bare = UUID(query)
    except ValueError:
        pass
    else:
        subjects = tuple(f"{kind}:{bare}" for kind in SUBJECTS)
        return Search(people=(UserId(bare),), subjects=subjects)
    if _SUBJECT.fullmatch(query):
        return Search(subjects=(query,))
    numbered = await orders.find_order_id(tx, query)
    return Search(
        people=tuple(await identity.find_users(tx, query.removeprefix("@"), _PEOPLE)),
        actions=tuple(spoken(query)),
        subjects=(f"order:{numbered}",) if numbered else (),
    )


async def _names(tx: Tx, lines: Sequence[Line]) -> dict[UserId, str]:
    """Names of all who did something, or to whom it was done."""
    ids = {line.actor_id for line in lines if line.actor_id} | {line.person_id for line in lines if line.person_id}
    return await identity.user_names(tx, ids | {UserId(named) for line in lines if (named := _id_in("user", line))})


async def _numbers(tx: Tx, lines: Sequence[Line]) -> dict[str, str]:
    """The numbers of the orders among the subjects, by subject."""
    ids = [OrderId(named) for line in lines if (named := _id_in("order", line))]
    return {f"order:{order_id}": number for order_id, number in (await orders.order_numbers(tx, ids)).items()}


def _id_in(kind: str, line: Line) -> UUID | None:
    named, _, rest = line.subject.partition(":")
    try:
        return UUID(rest) if named == kind else None
    except ValueError:
        return None
