"""Admins act on many people together: shown first, then done one by one, each with its outcome; and undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from backend.audience import domain, rules
from backend.audience.errors import TooManyPeople
from backend.audience.repository import bulk as repository
from backend.audience.types import (
    MOST_PEOPLE,
    PeopleAction,
    PeopleBulk,
    PeopleBulkId,
    PeopleBulkStarted,
    PeopleBulkStatus,
    PeopleFilter,
    PeopleTerms,
)
from backend.identity import domain as identity
from backend.identity.domain import standing
from backend.identity.types import Actor, Permission, PersonState
from backend.infra import audit
from backend.infra.failpoints import failpoint
from backend.infra.live_settings import Live
from backend.infra.turns import take_turns
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import AppError, Invalid, Unavailable
from backend.kernel.ids import UserId
from backend.kernel.text import fold

_RECENT: Final = 20
_KEY: Final = range(8, 65)
_LONGEST_REASON: Final = 200


class PeopleBulkService:
    """What admins with the permission for users do to many people.

    Decision: backend/decisions/0136-many-people-together.md.
    """

    def __init__(
        self, *, uow: UnitOfWork, forget: Callable[[UserId], None], grace: Live[timedelta], currency: str
    ) -> None:
        self._uow = uow
        self._forget = forget
        self._grace = grace
        self._currency = currency

    @retry_conflicts
    async def plan(
        self,
        actor: Actor,
        chosen: PeopleFilter | Sequence[UserId],
        terms: PeopleTerms,
        *,
        idempotency_key: str,
        also: Sequence[UserId] = (),
    ) -> PeopleBulkId:
        """Store what would be done to the people of a filter, or to these; nothing happens yet.

        The same key is the same plan; ``also`` are those whom the filter's text means by other names. Raises Forbidden,
        TooManyPeople, Invalid (fields ``people`` for none, ``reason``, ``until`` for a past end).
        """
        actor.require(Permission.USERS)
        if len(idempotency_key) not in _KEY:
            raise Invalid("no key of a tap", fields={"intent": "invalid"})
        terms = _checked(terms)
        async with self._uow() as tx:
            before = await repository.find_by_key(tx, actor.id, idempotency_key)
            if before is not None:
                return before
            if terms.until is not None and terms.until <= tx.now:
                raise Invalid("a block ends in the future", fields={"until": "past"})
            if isinstance(chosen, PeopleFilter):
                ids = domain.matching(chosen, tx.now, self._grace(), self._currency, also)
            else:
                ids = identity.these(chosen)
            people = await identity.list_states(tx, ids, MOST_PEOPLE + 1)
            if len(people) > MOST_PEOPLE:
                raise TooManyPeople(limit=MOST_PEOPLE)
            if not people:
                raise Invalid("nobody", fields={"people": "required"})
            planned = [(person.id, rules.refusal(terms, person, actor)) for person in people]
            added = await repository.add(tx, actor.id, idempotency_key, terms, planned)
            added = added or await repository.find_by_key(tx, actor.id, idempotency_key)
            if added is None:
                raise Unavailable("the plan of this key is being stored")
            return added

    async def get(self, actor: Actor, bulk_id: PeopleBulkId) -> PeopleBulk:
        """An action with its counts. Raises Forbidden, NotFound."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            return await repository.get(tx, bulk_id)

    async def list_recent(self, actor: Actor) -> list[PeopleBulk]:
        """The latest actions that were confirmed, by anybody. Raises Forbidden."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            return [await repository.get(tx, one) for one in await repository.list_recent(tx, _RECENT)]

    @retry_conflicts
    async def start(self, actor: Actor, bulk_id: PeopleBulkId) -> PeopleBulk:
        """Do what was planned; twice is once. Raises Forbidden, NotFound, Invalid (another's draft, or nobody)."""
        actor.require(Permission.USERS)
        async with self._uow() as tx:
            bulk = await repository.lock(tx, bulk_id)
            if bulk.status is not PeopleBulkStatus.DRAFT:
                return bulk
            if bulk.by != actor.id:
                raise Invalid("another admin's draft")
            if not bulk.able:
                raise Invalid("nothing can be done", fields={"people": "required"})
            await repository.set_status(tx, bulk_id, PeopleBulkStatus.RUNNING)
            tx.emit(PeopleBulkStarted(bulk_id=bulk_id))
            await _record(tx, actor, "users.bulk", bulk)
            return await repository.get(tx, bulk_id)

    @retry_conflicts
    async def stop(self, actor: Actor, bulk_id: PeopleBulkId) -> PeopleBulk:
        """Leave the rest alone. Raises Forbidden, NotFound."""
        actor.require(Permission.USERS)
        async with self._uow() as tx:
            bulk = await repository.lock(tx, bulk_id)
            if bulk.status is PeopleBulkStatus.RUNNING:
                await repository.stop_rest(tx, bulk_id)
                await repository.set_status(tx, bulk_id, PeopleBulkStatus.STOPPED)
                await _record(tx, actor, "users.stop_bulk", bulk)
            return await repository.get(tx, bulk_id)

    @retry_conflicts
    async def undo(self, actor: Actor, bulk_id: PeopleBulkId) -> PeopleBulk:
        """Take back what an action changed, of those who still are as it left them; twice is once.

        Any admin with the permission may, within 24 hours of its end. Raises Forbidden, NotFound, Invalid for too late.
        """
        actor.require(Permission.USERS)
        async with self._uow() as tx:
            bulk = await repository.lock(tx, bulk_id)
            if bulk.status in {PeopleBulkStatus.UNDOING, PeopleBulkStatus.UNDONE}:
                return bulk
            if not bulk.undoable:
                raise Invalid("it can no longer be undone")
            await repository.set_status(tx, bulk_id, PeopleBulkStatus.UNDOING, actor.id)
            tx.emit(PeopleBulkStarted(bulk_id=bulk_id))
            await _record(tx, actor, "users.undo_bulk", bulk)
            return await repository.get(tx, bulk_id)

    async def run(self, bulk_id: PeopleBulkId) -> None:
        """Task: go on with an action or its undo; what takes longer is left to a job that follows."""
        await take_turns(self._uow, lambda: self._run_one(bulk_id), PeopleBulkStarted(bulk_id=bulk_id))

    @retry_conflicts
    async def _run_one(self, bulk_id: PeopleBulkId) -> bool:
        """Act on the next person, with the outcome in the same transaction; False where it has ended."""
        async with self._uow() as tx:
            head = await repository.head_of(tx, bulk_id)
            if head.status not in {PeopleBulkStatus.RUNNING, PeopleBulkStatus.UNDOING}:
                return False
            undo = head.status is PeopleBulkStatus.UNDOING
            by = head.undone_by if undo and head.undone_by else head.by
            item, no_right = await repository.lock_next(tx, bulk_id, undo=undo), False
            if item is not None:
                # Their rights and the person, locked: neither can change before the outcome is stored.
                actor, person = await identity.lock_states(tx, by, item.user_id)
                no_right = actor is None or not actor.may(Permission.USERS)
                if actor is not None and not no_right:
                    await (self._undo if undo else self._do)(tx, bulk_id, head.terms, item, actor, person)
                    failpoint("audience.bulk_item")
        if item is not None and not no_right:
            self._forget(item.user_id)
            return True
        await self._end(bulk_id, undo=undo, no_right=no_right)
        return False

    async def _do(
        self, tx: Tx, bulk_id: PeopleBulkId, terms: PeopleTerms, item: repository.Undoing, actor: Actor,
        person: PersonState,
    ) -> None:  # fmt: skip
        why, before = rules.refusal(terms, person, actor), {}
        if why is None:
            if terms.action is PeopleAction.UNBLOCK:
                before = {"before_reason": person.block_reason, "before_until": person.blocked_until}
            why = await self._failure(tx, actor, item.user_id, terms)
        if why is not None:
            await repository.set_item(tx, bulk_id, item.user_id, outcome="failed", failure=why)
        else:
            await repository.set_item(tx, bulk_id, item.user_id, outcome="done", **before)

    async def _undo(
        self, tx: Tx, bulk_id: PeopleBulkId, terms: PeopleTerms, item: repository.Undoing, actor: Actor,
        person: PersonState,
    ) -> None:  # fmt: skip
        why = rules.untouched(terms, person, item.before_until, tx.now)
        if why is None:
            reverse = rules.reverse(terms, item.before_reason or "", item.before_until)
            why = await self._failure(tx, actor, item.user_id, reverse)
        done = {"undo": "undone"} if why is None else {"undo": "untouched", "failure": why}
        await repository.set_item(tx, bulk_id, item.user_id, **done)

    async def _failure(self, tx: Tx, actor: Actor, user_id: UserId, terms: PeopleTerms) -> str | None:
        """Do it to one person; the code of why it could not be done."""
        try:
            async with tx.savepoint():
                match terms.action:
                    case PeopleAction.BLOCK:
                        await standing.block(tx, actor, user_id, terms.reason, terms.until)
                    case PeopleAction.UNBLOCK:
                        await standing.unblock(tx, actor, user_id)
                    case _:
                        on = terms.action is PeopleAction.RESELLER_ON
                        await standing.set_status(tx, actor, user_id, "is_reseller", on)
        except AppError as why:
            if why.retryable:
                raise
            return why.code
        return None

    @retry_conflicts
    async def _end(self, bulk_id: PeopleBulkId, *, undo: bool, no_right: bool) -> None:
        async with self._uow() as tx:
            await repository.lock(tx, bulk_id)
            head = await repository.head_of(tx, bulk_id)
            if head.status is not (PeopleBulkStatus.UNDOING if undo else PeopleBulkStatus.RUNNING):
                return  # another process ended it
            left = await repository.has_left(tx, bulk_id, undo=undo)
            if left and not no_right:
                return  # another worker has the last ones
            if undo:
                await repository.keep_rest(tx, bulk_id)
                await repository.set_status(tx, bulk_id, PeopleBulkStatus.UNDONE)
            else:
                await repository.stop_rest(tx, bulk_id)
                await repository.set_status(tx, bulk_id, PeopleBulkStatus.STOPPED if left else PeopleBulkStatus.DONE)


def _checked(terms: PeopleTerms) -> PeopleTerms:
    if terms.action is not PeopleAction.BLOCK:
        return PeopleTerms(action=terms.action)
    reason = fold(terms.reason.replace("\0", ""))
    if not 0 < len(reason) <= _LONGEST_REASON:
        raise Invalid("a reason is needed", fields={"reason": "required" if not reason else "too_long"})
    return replace(terms, reason=reason)


async def _record(tx: Tx, actor: Actor, action: str, bulk: PeopleBulk) -> None:
    facts = {"action": bulk.terms.action, "people": bulk.able}
    await audit.record(tx, actor.user_id, action, f"bulk:{bulk.id}", facts)
