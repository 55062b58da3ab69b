"""Spreads for admins: made, edited as new versions, priced, ordered, hidden."""

from __future__ import annotations

from collections.abc import Sequence

from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.readings.domain import drawing
from backend.readings.errors import SpreadEdited, SpreadSlugTaken
from backend.readings.repository import spreads as repository
from backend.readings.rules import spreads as rules
from backend.readings.types import DrawnCard, Spread, SpreadBody, SpreadId


class SpreadsService:
    """For admins with the permission for readings. What is asked already keeps its version and its price."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_all(self, actor: Actor) -> list[Spread]:
        """All spreads in their order, hidden ones too. Raises Forbidden."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            return await repository.list_spreads(tx, hidden=True)

    async def get(self, actor: Actor, spread_id: SpreadId) -> Spread:
        """A spread. Raises Forbidden, NotFound."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            return await repository.get(tx, spread_id)

    @retry_conflicts
    async def create(self, actor: Actor, slug: str, credits: int, body: SpreadBody) -> Spread:
        """Add a spread, hidden and in the last place. Raises Forbidden, Invalid, SpreadSlugTaken."""
        actor.require(Permission.READINGS)
        rules.check_spread(credits, body, slug)
        async with self._uow() as tx:
            spread = Spread(
                id=SpreadId(tx.new_id()), slug=slug, built_in=False, hidden=True,
                position=await repository.last_position(tx) + 1, credits=credits, version=1, body=body,
            )  # fmt: skip
            if not await repository.add(tx, spread, actor.user_id):
                raise SpreadSlugTaken()
            await _record(tx, actor, "readings.add_spread", spread, {"credits": credits})
        return spread

    @retry_conflicts
    async def edit(self, actor: Actor, spread_id: SpreadId, version: int, body: SpreadBody) -> Spread:
        """Store a new version, made of ``version``; readings keep theirs. Raises Forbidden, Invalid, NotFound.

        SpreadEdited where another admin was faster. What changes nothing makes no version.
        """
        actor.require(Permission.READINGS)
        rules.check_body(body)
        async with self._uow() as tx:
            spread = await repository.lock(tx, spread_id)
            if spread.version != version:
                raise SpreadEdited()
            if spread.body == body:
                return spread
            changed = await repository.change(tx, spread, body, actor.user_id)
            await _record(tx, actor, "readings.edit_spread", changed, {"version": changed.version})
        return changed

    @retry_conflicts
    async def save(
        self, actor: Actor, spread_id: SpreadId, version: int, body: SpreadBody, credits: int, hidden: bool
    ) -> Spread:
        """Do all that an editor of a spread can do at once: ``edit``, ``set_credits``, ``set_hidden``. Raises as they.

        Nothing is changed where another admin was faster.
        """
        actor.require(Permission.READINGS)
        rules.check_spread(credits, body)
        async with self._uow() as tx:
            spread = await repository.lock(tx, spread_id)
            if spread.version != version:
                raise SpreadEdited()
            if spread.body != body:
                spread = await repository.change(tx, spread, body, actor.user_id)
                await _record(tx, actor, "readings.edit_spread", spread, {"version": spread.version})
            if spread.credits != credits:
                await repository.set_fields(tx, spread.id, credits=credits)
                await _record(tx, actor, "readings.price_spread", spread, {"credits": credits})
            if spread.hidden != hidden:
                await repository.set_fields(tx, spread.id, hidden=hidden)
                action = "readings.hide_spread" if hidden else "readings.show_spread"
                await _record(tx, actor, action, spread, {"hidden": hidden})
            return await repository.get(tx, spread.id)

    async def reset(self, actor: Actor, spread_id: SpreadId, version: int) -> Spread:
        """Store a new version that is as the spread came with Souk. Raises as ``edit``; NotFound for one that did not.

        Its price, its place and whether it is hidden stay.
        """
        from backend.readings.deck.spreads import BUILT_IN_SPREADS  # noqa: PLC0415 - texts that only this reads

        spread = await self.get(actor, spread_id)
        original = next((body for slug, _, body in BUILT_IN_SPREADS if spread.built_in and slug == spread.slug), None)
        if original is None:
            raise NotFound("this spread did not come with Souk")
        return await self.edit(actor, spread_id, version, original)

    @retry_conflicts
    async def move(self, actor: Actor, spread_id: SpreadId, *, up: bool) -> None:
        """Put a spread one place before the one above it, or after the one below. Raises Forbidden, NotFound."""
        actor.require(Permission.READINGS)
        async with self._uow() as tx:
            await repository.lock_order(tx)
            order = [spread.id for spread in await repository.list_spreads(tx, hidden=True)]
            if spread_id not in order:
                raise NotFound("no such spread")
            at = order.index(spread_id)
            to = at - 1 if up else at + 1
            if not 0 <= to < len(order):
                return
            order[at], order[to] = order[to], order[at]
            for place, each in enumerate(order, start=1):
                await repository.set_fields(tx, each, position=place)
            facts = {"place": to + 1}
            await audit.record(tx, actor.user_id, "readings.move_spread", f"spread:{spread_id}", facts)

    @retry_conflicts
    async def set_credits(self, actor: Actor, spread_id: SpreadId, credits: int) -> None:
        """Change what a reading costs, for those whose cards are shuffled from now on. Raises Forbidden, Invalid."""
        rules.check_credits(credits)
        await self._set(actor, spread_id, "readings.price_spread", credits=credits)

    @retry_conflicts
    async def set_hidden(self, actor: Actor, spread_id: SpreadId, *, hidden: bool) -> None:
        """Stop offering a spread, or offer it again. Raises Forbidden, NotFound."""
        await self._set(actor, spread_id, "readings.hide_spread" if hidden else "readings.show_spread", hidden=hidden)

    @retry_conflicts
    async def order(self, actor: Actor, order: Sequence[SpreadId]) -> None:
        """Put all spreads in this order. Raises Forbidden, and Invalid unless each is named once."""
        actor.require(Permission.READINGS)
        async with self._uow() as tx:
            known = {spread.id for spread in await repository.list_spreads(tx, hidden=True)}
            if len(order) != len(known) or set(order) != known:
                raise Invalid("not all spreads", fields={"order": "invalid"})
            for place, spread_id in enumerate(order, start=1):
                await repository.set_fields(tx, spread_id, position=place)
            await audit.record(tx, actor.user_id, "readings.order_spreads", "spreads", {"count": len(order)})

    def preview(self, actor: Actor, body: SpreadBody) -> tuple[DrawnCard, ...]:
        """Cards to look at a spread with, dealt again each time; nothing is stored. Raises Forbidden, Invalid."""
        actor.require(Permission.READINGS)
        rules.check_body(body)
        return drawing.sample(len(body.positions))

    async def _set(self, actor: Actor, spread_id: SpreadId, action: str, **fields: int) -> None:
        actor.require(Permission.READINGS)
        async with self._uow() as tx:
            spread = await repository.lock(tx, spread_id)
            await repository.set_fields(tx, spread_id, **fields)
            await _record(tx, actor, action, spread, dict(fields))


async def _record(tx: Tx, actor: Actor, action: str, spread: Spread, details: dict[str, int]) -> None:
    await audit.record(tx, actor.user_id, action, f"spread:{spread.id}", {"slug": spread.slug, **details})
