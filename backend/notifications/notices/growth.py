"""Messages about gift cards and top-up bonuses."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.growth.types import BonusCredited, GiftCardRedeemed
from backend.kernel.money import Money
from backend.notifications.notice import Draft, Edit, Notice, Params, person
from backend.notifications.types import Message


async def _gift_redeemed(draft: Draft, params: Params) -> Message:
    event, words = msgspec.convert(params, GiftCardRedeemed), draft.words
    _ = words.translator.gettext
    amount = words.money(Money(event.amount, event.currency))
    head = _("<b>Your gift card of {amount} has been redeemed</b>").format(amount=amount)
    text = _("The money is in the recipient's balance.")
    return Message(f"{head}\n{text}", (words.button(_("My gift cards"), "/wallet/gifts"),))


NOTICES: Final = (
    Notice(
        event=GiftCardRedeemed,
        kind="gift_redeemed",
        audience=person(lambda event: event.user_id),
        key="gift_redeemed:{gift_card_id}",
        compose=_gift_redeemed,
    ),
    # A top-up message that is composed after its bonus was credited includes it by itself.
    Edit(
        event=BonusCredited,
        thread="top_up:{intent_id}",
        changes=lambda event: {"balance": event.balance, "bonus_in_balance": True},
        only_last=True,
    ),
)
