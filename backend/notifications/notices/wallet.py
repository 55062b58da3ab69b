"""Messages about a wallet."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.kernel.money import Money
from backend.notifications.messages import Words
from backend.notifications.notice import Draft, Notice, Params, person
from backend.notifications.types import Message
from backend.wallet import domain as wallet
from backend.wallet.types import WalletAdjusted


async def _wallet_adjusted(draft: Draft, params: Params) -> Message:
    event = msgspec.convert(params, WalletAdjusted)
    adjustment = await wallet.get_adjustment(draft.tx, event.adjustment_id)
    balance = Money(event.balance, event.currency)
    return wallet_adjusted(draft.words, adjustment.amount, balance, adjustment.reason)


def wallet_adjusted(words: Words, amount: Money, balance: Money, reason: str) -> Message:
    """Say that an admin changed the reader's balance by ``amount``, and why."""
    _ = words.translator.gettext
    if amount.amount > 0:
        head = _("<b>{amount} added to your balance</b>").format(amount=words.money(amount))
    else:
        head = _("<b>{amount} deducted from your balance</b>").format(amount=words.money(-amount))
    rows = [
        head,
        _("Reason: {reason}").format(reason=words.isolated(reason)),
        _("Balance: {amount}").format(amount=words.money(balance)),
    ]
    return Message("\n".join(rows), (words.wallet_button(),))


NOTICES: Final = (
    Notice(
        event=WalletAdjusted,
        kind="wallet_adjusted",
        audience=person(lambda event: event.user_id),
        key="wallet_adjusted:{adjustment_id}",
        compose=_wallet_adjusted,
    ),
)
