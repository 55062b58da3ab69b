"""Use cases of vouchers, gift cards, bonuses, promo codes and premium."""

from __future__ import annotations

from dataclasses import dataclass

from backend.growth.service.bonuses import BonusesService
from backend.growth.service.codes import REDEEM, CodesService
from backend.growth.service.finding import CodeFindingService
from backend.growth.service.gifts import GiftsService
from backend.growth.service.partners import PartnersService
from backend.growth.service.premium import PremiumService
from backend.growth.service.promos import PromosService
from backend.growth.service.vouchers import VouchersService

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
