"""Identifiers: UUIDv7 inside (RFC 9562), short numbers for people."""

from __future__ import annotations

from typing import Final, NewType
from uuid import UUID

import uuid_utils.compat

UserId = NewType("UserId", UUID)
CategoryId = NewType("CategoryId", UUID)
ProductId = NewType("ProductId", UUID)
VariantId = NewType("VariantId", UUID)
StockKeyId = NewType("StockKeyId", UUID)
OrderId = NewType("OrderId", UUID)
OrderLineId = NewType("OrderLineId", UUID)
TransferId = NewType("TransferId", UUID)
AccountId = NewType("AccountId", UUID)
IntentId = NewType("IntentId", UUID)
PaymentEventId = NewType("PaymentEventId", UUID)
RefundId = NewType("RefundId", UUID)
ProofId = NewType("ProofId", UUID)
HoldId = NewType("HoldId", UUID)
AdjustmentId = NewType("AdjustmentId", UUID)
VoucherId = NewType("VoucherId", UUID)
VoucherBatchId = NewType("VoucherBatchId", UUID)
GiftCardId = NewType("GiftCardId", UUID)
BonusRuleId = NewType("BonusRuleId", UUID)
JobId = NewType("JobId", UUID)
DataKeyId = NewType("DataKeyId", UUID)

# Crockford's base 32: no I, L, O, U, so that a number read aloud is not misheard.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NUMBER_BITS: Final = 30
_MULTIPLIER: Final = 0x2545F491  # odd, hence a bijection modulo 2**30
_INVERSE: Final = pow(_MULTIPLIER, -1, 1 << _NUMBER_BITS)
_LOOK_ALIKES: Final = str.maketrans("ILO", "110")


def new_id() -> UUID:
    """A fresh UUIDv7: sorts by time of creation."""
    return uuid_utils.compat.uuid7()


def short_number(sequence: int) -> str:
    """Six characters for the ``sequence``-th thing; different for the first 2**30 sequences, and not countable by eye.

    Raises ValueError outside that range.
    """
    if not 0 <= sequence < 1 << _NUMBER_BITS:
        raise ValueError("the sequence is outside 30 bits")
    mixed = (sequence * _MULTIPLIER) % (1 << _NUMBER_BITS)
    return "".join(_ALPHABET[(mixed >> shift) & 31] for shift in range(_NUMBER_BITS - 5, -1, -5))


def parse_short_number(number: str) -> int | None:
    """The sequence whose short_number is ``number`` (any case, look-alike letters forgiven), or None."""
    plain = number.upper().translate(_LOOK_ALIKES)
    if len(plain) != _NUMBER_BITS // 5 or any(sign not in _ALPHABET for sign in plain):
        return None
    mixed = 0
    for sign in plain:
        mixed = mixed << 5 | _ALPHABET.index(sign)
    return (mixed * _INVERSE) % (1 << _NUMBER_BITS)
