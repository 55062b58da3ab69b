"""Errors of vouchers, gift cards, bonuses and promo codes."""

from __future__ import annotations

from backend.catalog.errors import PurchaseRefused
from backend.kernel.errors import AppError, Kind


class CodeNotValid(AppError):
    """The code is unknown, expired, used up or stopped; which of these, people who guess codes must not learn."""

    code = "code_not_valid"
    kind = Kind.INVALID


class OwnVoucher(AppError):
    """The admin who made a voucher cannot redeem it, unless they are the only one."""

    code = "own_voucher"
    kind = Kind.FORBIDDEN


class GiftRedeemed(AppError):
    """The gift card has been redeemed, so it cannot be cancelled."""

    code = "gift_redeemed"
    kind = Kind.CONFLICT


class PromoCodeRefused(AppError):
    """The promo code takes nothing off: ``reason`` is a PromoRefusal; ``minimum`` is set where the goods cost less."""

    code = "promo_code_refused"
    kind = Kind.CONFLICT


class PartnerCodeTaken(AppError):
    """Another partner has this code."""

    code = "partner_code_taken"
    kind = Kind.CONFLICT


class PremiumTooLong(PurchaseRefused):
    """With these months, premium would last more than ``limit`` months from now."""

    code = "premium_too_long"


class PremiumEndless(PurchaseRefused):
    """Who would get the months has premium without an end."""

    code = "premium_endless"
