"""Promo codes for tests, made by the system unless somebody is named."""

from __future__ import annotations

from backend.bootstrap import Services
from backend.growth.types.promos import NewPromo, Promo, PromoCodeId
from backend.identity.types import Actor
from backend.kernel.ids import new_id


async def add_promo(services: Services, new: NewPromo, by: Actor | None = None) -> Promo:
    """A promotion that works at once."""
    promo = await services.growth.promos.make(by or Actor.system(), new, idempotency_key=new_id().hex)
    assert promo is not None, "it awaits an approval"
    return promo


async def typed(services: Services, actor: Actor, *codes: str) -> list[PromoCodeId]:
    """What somebody has typed, looked up."""
    return await services.growth.promos.admit(actor, codes)
