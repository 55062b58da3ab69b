"""Which updates are money: they may come again, but none may be lost."""

from __future__ import annotations

from typing import Final

from aiogram.types import Update

_KINDS: Final = ("successful_payment", "refunded_payment")


def is_money(update: Update) -> bool:
    """Whether the update tells that money came or went back."""
    message = update.message
    return message is not None and any(getattr(message, kind) is not None for kind in _KINDS)


def looks_like_money(body: bytes) -> bool:
    """The same of an update that could not be read."""
    return any(f'"{kind}"'.encode() in body for kind in _KINDS)


def is_urgent(update: Update) -> bool:
    """Whether it must not wait behind others: Telegram waits ten seconds for the answer, or money waits."""
    return update.pre_checkout_query is not None or is_money(update)
