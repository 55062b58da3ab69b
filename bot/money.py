"""Which updates report payments, refunds or subscriptions (none may be lost), and which must be answered at once."""

from __future__ import annotations

from typing import Final

import msgspec
from aiogram.types import Update

KINDS: Final = ("successful_payment", "refunded_payment")
"""The parts of a message that report a payment or a refund."""


class LostMoney(msgspec.Struct, frozen=True):
    """A payment event that lacks what the ledger needs: all that could be read of it, for an admin to review.

    ``key`` is the charge id, or a digest of the event if it has none.
    """

    number: int | None
    kind: str
    key: str
    payload: str
    payer: int | None


def is_money(update: Update) -> bool:
    """Whether the update reports a payment, a refund, or that a subscription goes on or not."""
    message = update.message
    if update.subscription is not None:
        return True
    return message is not None and any(getattr(message, kind) is not None for kind in KINDS)


def is_question(update: Update) -> bool:
    """Whether Telegram waits ten seconds for the answer: before a payment, and to a guard bot before somebody joins."""
    joins = update.chat_join_request
    return update.pre_checkout_query is not None or (joins is not None and joins.query_id is not None)


def is_urgent(update: Update) -> bool:
    """Whether it must not wait behind others: a payment, or a question with ten seconds to answer."""
    return is_question(update) or is_money(update)
