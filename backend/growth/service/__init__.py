"""Use cases of vouchers, gift cards and bonuses."""

from __future__ import annotations

from backend.growth.service.bonuses import BonusesService
from backend.growth.service.codes import REDEEM, CodesService
from backend.growth.service.gifts import GiftsService
from backend.growth.service.vouchers import VouchersService

__all__ = ["REDEEM", "BonusesService", "CodesService", "GiftsService", "VouchersService"]
