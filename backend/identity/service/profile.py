"""What people choose for themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from backend.identity import repository, rules
from backend.identity.cache import PeopleCache
from backend.identity.types import Actor, TimezoneChosen, ZoneSource
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


class ProfileService:
    """The actor's own language and time zone."""

    def __init__(self, *, uow: UnitOfWork, cache: PeopleCache) -> None:
        self._uow = uow
        self._cache = cache

    async def set_language(self, actor: Actor, language: Locale) -> Actor:
        """Use ``language`` for the actor from now on, whatever language Telegram reports."""
        await self._set(actor.id, {"language": language.value, "language_chosen": True})
        return msgspec.structs.replace(actor, language=language)

    async def set_timezone(self, actor: Actor, timezone: str) -> Actor:
        """Show the actor times in the IANA zone ``timezone``. Raises Invalid for an unknown zone."""
        known = rules.known_timezone(timezone)
        if known is None:
            raise Invalid("no such timezone", fields={"timezone": "unknown_timezone"})
        await self._set(actor.id, {"timezone": known, "timezone_chosen": True}, TimezoneChosen(user_id=actor.id))
        return msgspec.structs.replace(actor, timezone=known, zone_source=ZoneSource.CHOSEN)

    async def follow_device(self, actor: Actor) -> Actor:
        """Let the actor's device say the time zone again, from the next time that it reports one."""
        await self._set(actor.id, {"timezone_chosen": False})
        source = ZoneSource.DEVICE if actor.zone_source is ZoneSource.CHOSEN else actor.zone_source
        return msgspec.structs.replace(actor, zone_source=source)

    async def _set(self, user_id: UserId, values: dict[str, Any], event: Event | None = None) -> None:
        async with self._uow() as tx:
            await repository.set_fields(tx, user_id, values)
            if event is not None:
                tx.emit(event)
        self._cache.forget(user_id)
