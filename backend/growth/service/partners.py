"""Partners: people who bring others by a link with their code."""

from __future__ import annotations

from typing import Final

from backend.growth.errors import PartnerCodeTaken
from backend.growth.repository import attribution as repository
from backend.growth.rules.attribution import is_code
from backend.growth.types.attribution import Partner, PartnerId
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.text import fold

_MAX_NAME: Final = 80


class PartnersService:
    """Partners for admins with the permission for money."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_all(self, actor: Actor) -> list[Partner]:
        """Every partner, the latest first. Raises Forbidden."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await repository.list_partners(tx)

    @retry_conflicts
    async def add(self, actor: Actor, code: str, name: str) -> PartnerId:
        """Make a partner. Raises Forbidden, Invalid for a code that no link can have, PartnerCodeTaken."""
        actor.require(Permission.MONEY)
        code, name = code.strip(), fold(name.replace("\0", ""))
        bad = {"code": not is_code(code), "name": not 0 < len(name) <= _MAX_NAME}
        if any(bad.values()):
            raise Invalid("bad partner", fields={field: "invalid" for field, wrong in bad.items() if wrong})
        async with self._uow() as tx:
            partner_id = await repository.add_partner(tx, code, name, actor.user_id)
            if partner_id is None:
                raise PartnerCodeTaken()
            await audit.record(tx, actor.user_id, "growth.add_partner", f"partner:{partner_id}", {"code": code})
        return partner_id

    @retry_conflicts
    async def set_stopped(self, actor: Actor, partner_id: PartnerId, *, stopped: bool) -> None:
        """Have a partner's link bring nobody new, or people again. Raises Forbidden, NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            if not await repository.set_stopped(tx, partner_id, stopped=stopped):
                raise NotFound("no such partner")
            action = "growth.stop_partner" if stopped else "growth.start_partner"
            await audit.record(tx, actor.user_id, action, f"partner:{partner_id}")
