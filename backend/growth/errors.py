"""What vouchers, gift cards and bonuses refuse."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class CodeNotValid(AppError):
    """The code is worth nothing: unknown, over, used up or stopped. Nobody is told which."""

    code = "code_not_valid"
    kind = Kind.INVALID


class OwnVoucher(AppError):
    """The admin who made a voucher cannot redeem it, unless they are the only one."""

    code = "own_voucher"
    kind = Kind.FORBIDDEN


class GiftRedeemed(AppError):
    """The gift card has been redeemed: it cannot be taken back."""

    code = "gift_redeemed"
    kind = Kind.CONFLICT
