"""What an admin's search finds of codes."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec

from backend.kernel.ids import UserId
from backend.kernel.money import Money


class CodeKind(StrEnum):
    """What a code is of."""

    VOUCHER = "voucher"
    GIFT_CARD = "gift_card"
    PROMO = "promo"
    PARTNER = "partner"


class CodeHit(msgspec.Struct, frozen=True, kw_only=True):
    """A code: ``id`` is of the batch of vouchers, the gift card, the promotion or the partner.

    ``name`` is a promotion's code, a partner's name or a batch's note; ``amount`` what a voucher or gift card is worth;
    ``user_id`` the buyer of a gift card.
    """

    kind: CodeKind
    id: UUID
    name: str = ""
    amount: Money | None = None
    user_id: UserId | None = None
    stopped: bool = False
