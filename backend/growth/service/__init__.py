"""Use cases of vouchers, gift cards, bonuses, promo codes and premium."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from backend.growth.service.bonuses import BonusesService
from backend.growth.service.codes import REDEEM, CodesService
from backend.growth.service.finding import CodeFindingService
from backend.growth.service.gifts import GiftsService
from backend.growth.service.partners import PartnersService
from backend.growth.service.premium import PremiumService
from backend.growth.service.promos import PromosService
from backend.growth.service.vouchers import VouchersService
from backend.growth.types import Limits
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.rate_limit import RateLimiter
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import Clock
from backend.kernel.money import Money

__all__ = [
    "REDEEM",
    "BonusesService",
    "CodeFindingService",
    "CodesService",
    "GiftsService",
    "GrowthServices",
    "PartnersService",
    "PremiumService",
    "PromosService",
    "VouchersService",
]


@dataclass(frozen=True, kw_only=True)
class GrowthServices:
    """The services of this slice, one for each concern."""

    vouchers: VouchersService
    """Admins make and stop voucher codes."""
    gifts: GiftsService
    """People buy gift cards and cancel them."""
    codes: CodesService
    """People redeem the codes of vouchers and gift cards."""
    finding: CodeFindingService
    """Admins look up what a code is of."""
    bonuses: BonusesService
    """Admins make bonus rules; top-ups are credited by them."""
    promos: PromosService
    """Admins make and stop promo codes; what buyers type is looked up."""
    partners: PartnersService
    """People who bring others by a link."""
    premium: PremiumService
    """Until when people are premium members; admins give and take months."""

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        limiter: RateLimiter,
        clock: Clock,
        limits: Live[Limits],
        single_admin_limit: Live[Money],
        premium_grace: Live[timedelta],
    ) -> GrowthServices:
        """The services of one shop. One code may be worth what ``limits`` say; premium counts for ``premium_grace``
        after its end.
        """
        return cls(
            vouchers=VouchersService(uow=uow, ring=ring, limits=limits, limit=single_admin_limit),
            gifts=GiftsService(uow=uow, ring=ring, limits=limits),
            codes=CodesService(uow=uow, ring=ring, limiter=limiter),
            finding=CodeFindingService(uow=uow, ring=ring),
            bonuses=BonusesService(uow=uow, limit=single_admin_limit),
            promos=PromosService(uow=uow, limiter=limiter, limit=single_admin_limit),
            partners=PartnersService(uow=uow),
            premium=PremiumService(uow=uow, clock=clock, grace=premium_grace),
        )
