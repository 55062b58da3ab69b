"""Trusted sellers: admins mark them, everybody sees them and checks a name against them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.identity.domain.locking import lock_person
from backend.identity.repository import sellers as repository
from backend.identity.rules import lookalikes
from backend.identity.types import Actor, Permission
from backend.identity.types.sellers import LONGEST_ABOUT, MOST_POSITION, Answer, Seller, SellerMark
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


class SellersService:
    """Each read asks the database: somebody who is blocked or no longer trusted is gone from the next page."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_public(self) -> list[Seller]:
        """The trusted sellers in their order, for everybody; nobody who is blocked."""
        async with self._uow.read() as tx:
            return await repository.list_public(tx)

    async def check(self, typed: str) -> Answer:
        """Whether a username or ID is a trusted seller's, or only looks like one; for everybody."""
        return lookalikes.judge(typed, await self.list_public())

    async def mark_of(self, actor: Actor, user_id: UserId) -> SellerMark | None:
        """How a person is marked; None for who is no trusted seller. Raises Forbidden."""
        actor.require(Permission.USERS)
        async with self._uow.read() as tx:
            return await repository.find(tx, user_id)

    @retry_conflicts
    async def mark(self, actor: Actor, user_id: UserId, about: Mapping[str, str], position: int = 0) -> None:
        """Make a person a trusted seller, or change what is said of them. Raises Forbidden, NotFound, Invalid."""
        mark = _checked(about, position)
        async with self._uow() as tx:
            await lock_person(tx, actor, user_id, Permission.USERS)
            before = await repository.find(tx, user_id)
            if before == mark:
                return
            await repository.save(tx, user_id, mark, actor.user_id)
            await audit.record(
                tx,
                actor.user_id,
                "users.mark_seller",
                f"user:{user_id}",
                person=user_id,
                before=_facts(before) if before else None,
                after=_facts(mark),
            )

    @retry_conflicts
    async def unmark(self, actor: Actor, user_id: UserId) -> None:
        """A person is no trusted seller any more; does nothing where they are none. Raises Forbidden, NotFound."""
        async with self._uow() as tx:
            await lock_person(tx, actor, user_id, Permission.USERS)
            before = await repository.find(tx, user_id)
            if before is None:
                return
            await repository.remove(tx, user_id)
            facts = _facts(before)
            await audit.record(
                tx, actor.user_id, "users.unmark_seller", f"user:{user_id}", person=user_id, before=facts
            )


def _checked(about: Mapping[str, str], position: int) -> SellerMark:
    cleaned = {
        locale.value: about.get(locale.value, "").replace("\0", "").replace("\r\n", "\n").strip() for locale in Locale
    }
    said = {locale: text for locale, text in cleaned.items() if text}
    wrong = {locale: "too_long" for locale, text in said.items() if len(text) > LONGEST_ABOUT}
    if not said:
        wrong[Locale.EN.value] = "required"
    if not 0 <= position <= MOST_POSITION:
        wrong["position"] = "out_of_range"
    if wrong:
        raise Invalid("a trusted seller has a text", fields=wrong)
    return SellerMark(said, position)


def _facts(mark: SellerMark) -> dict[str, Any]:
    return {"about": dict(mark.about), "position": mark.position}
