"""Which updates are money: they may come again, but none may be lost."""

from __future__ import annotations

from typing import Final

import msgspec
from aiogram.types import Update

KINDS: Final = ("successful_payment", "refunded_payment")
"""The parts of a message that tell that money came or went back."""


class LostMoney(msgspec.Struct, frozen=True):
    """Money's news without what the books need: all that could be read of it, for an admin to look at.

    ``key`` is the charge, or else a digest of what was told.
    """

    number: int | None
    kind: str
    key: str
    payload: str
    payer: int | None


def is_money(update: Update) -> bool:
    """Whether the update tells that money came or went back."""
    message = update.message
    return message is not None and any(getattr(message, kind) is not None for kind in KINDS)


def is_urgent(update: Update) -> bool:
    """Whether it must not wait behind others: Telegram waits ten seconds for the answer, or money waits."""
    return update.pre_checkout_query is not None or is_money(update)
