"""The first touch of a person, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select

from backend.growth.repository import attribution as repository
from backend.growth.rules.attribution import parse_start
from backend.growth.types.attribution import PartnerId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


async def note_touch(tx: Tx, user_id: UserId, start_param: str, at: datetime) -> bool:
    """Note who brought a person who had paid for nothing then; whether the parameter names a partner.

    Only the first touch counts: a later one changes nothing, and one that was seen before replaces it.
    """
    code = parse_start(start_param).partner
    partner_id = await repository.find_partner(tx, code) if code else None
    if partner_id is None:
        return False
    await repository.add_touch(tx, user_id, partner_id, start_param, at)
    return True


def brought_people(partners: Collection[PartnerId] | None = None) -> Select[UUID, UUID, datetime]:
    """People whom partners brought, all or these, however many, to be joined: user_id, partner_id, seen_at."""
    return repository.brought(partners)
