"""Identifiers: UUIDv7 inside (RFC 9562), short numbers for people."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NewType
from uuid import UUID

import msgspec
import uuid_utils.compat

from backend.kernel.text import CODE_ALPHABET, MISREAD, capitals, code_signs

UserId = NewType("UserId", UUID)
OrderId = NewType("OrderId", UUID)
OrderLineId = NewType("OrderLineId", UUID)
JobId = NewType("JobId", UUID)
DataKeyId = NewType("DataKeyId", UUID)

_BITS: Final = 5
_SIGNS: Final = 6
_NUMBER_BITS: Final = _SIGNS * _BITS
NUMBERS: Final = 1 << _NUMBER_BITS
"""How many different short numbers there are."""


class Numbering(IntEnum):
    """What a number is given to; the value is its multiplier: odd, hence a bijection modulo NUMBERS.

    A payment's multiplier is minus that of an order: its numbers are those that orders would reach last, so that no
    number is both an order's and a payment's until there are 2**30 of both together.
    """

    ORDERS = 0x2545F491
    PAYMENTS = (1 << 30) - 0x2545F491
    TICKETS = 0x1B873593
    """Read with their letter only: without it, their numbers may read like an order's."""

    @property
    def inverse(self) -> int:
        """What leads from a number back to its sequence."""
        return pow(self.value, -1, NUMBERS)


class NumberPart(msgspec.Struct, frozen=True):
    """Some signs of a short number: their ``bits``, how many they are, and whether they are its first ones."""

    bits: int
    signs: int
    first: bool = False

    @property
    def shifts(self) -> list[int]:
        """Where the signs may stand: the bits to the right of them."""
        most = _NUMBER_BITS - self.signs * _BITS
        return [most] if self.first else list(range(0, most + 1, _BITS))


def new_id() -> UUID:
    """A fresh UUIDv7: sorts by time of creation."""
    return uuid_utils.compat.uuid7()


def short_number(sequence: int, numbering: Numbering = Numbering.ORDERS) -> str:
    """Six characters for the ``sequence``-th thing; different for the first 2**30 sequences, and not countable by eye.

    Raises ValueError outside that range.
    """
    if not 0 <= sequence < NUMBERS:
        raise ValueError("the sequence is outside 30 bits")
    mixed = (sequence * numbering) % NUMBERS
    return "".join(CODE_ALPHABET[(mixed >> shift) & 31] for shift in range(_NUMBER_BITS - _BITS, -1, -_BITS))


def parse_short_number(number: str, numbering: Numbering = Numbering.ORDERS) -> int | None:
    """The sequence whose short_number is ``number`` (any case, look-alike letters forgiven), or None."""
    part = parse_number_part(number)
    if part is None or part.signs != _SIGNS:
        return None
    return (part.bits * numbering.inverse) % NUMBERS


def number_signs(typed: str, letter: str) -> str:
    """The signs of a number as typed or pasted, without the ``letter`` that stands before all six of them.

    Digits of every script are digits; spaces, hyphens, dots, quotes and invisible marks fall away.
    """
    plain = code_signs(typed)
    return plain.removeprefix(letter) if len(plain) == len(letter) + _SIGNS else plain


def parse_number_part(text: str, *, first: bool = False) -> NumberPart | None:
    """Up to six signs of a short number (any case, look-alike letters forgiven), or None. ``first``: its first ones."""
    plain = capitals(text).translate(MISREAD)
    if not 0 < len(plain) <= _SIGNS or any(sign not in CODE_ALPHABET for sign in plain):
        return None
    bits = 0
    for sign in plain:
        bits = bits << _BITS | CODE_ALPHABET.index(sign)
    return NumberPart(bits, len(plain), first)
