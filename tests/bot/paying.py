"""People who pay in the simulated Telegram, and the updates that it sends about it."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from aiogram.types import LabeledPrice, Update
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.payments.types import Intent, IntentId, IntentStatus
from tests.bot.telegram import EMMA, Telegram
from tests.factories.identity import contact
from tests.factories.wallet import USD, usd

if TYPE_CHECKING:
    from tests.bot.conftest import Parts

TEN_IN_STARS = 770  # $10.00 at $0.013, rounded up to a whole Star
_updates = itertools.count(500_000_000)


class Payer:
    """Somebody who has met the bot and pays."""

    def __init__(self, telegram: Telegram, services: Services, actor: Actor) -> None:
        self.telegram, self.services, self.actor = telegram, services, actor

    async def begin(self, cents: int = 1000, method: str = "stars", key: str = "tap", **more: Any) -> Intent:
        """Begin a payment, as the Mini App does."""
        payments = self.services.payments.intents
        return await payments.start_top_up(self.actor, method, usd(cents), idempotency_key=key, **more)

    async def pay(self, url: str, outcome: str = "paid") -> Any:
        """Pay an invoice by its link: status, charge_id, error."""
        number = self.actor.telegram_id
        return await self.telegram.control("POST", f"/personas/{number}/pay", slug=url, outcome=outcome)

    async def intent(self, intent_id: IntentId) -> Intent:
        """The payment as it stands."""
        return await self.services.payments.intents.intent(self.actor, intent_id)

    async def settled(self, intent_id: IntentId) -> Intent:
        """The payment once it has succeeded."""
        async with asyncio.timeout(10):
            while (payment := await self.intent(intent_id)).status is not IntentStatus.SUCCEEDED:
                await asyncio.sleep(0.02)
        return payment

    async def balance(self) -> int:
        """The balance, in cents."""
        return (await self.services.wallet.statement.overview(self.actor)).balance.amount


async def payer(telegram: Telegram, services: Services, number: int = EMMA, language: str = "en") -> Payer:
    """Somebody of the simulator who has met the shop."""
    actor = await services.identity.access.authenticate(contact(number, language_code=language))
    return Payer(telegram, services, actor)


def money_update(
    parts: Parts, payload: str, total: Money, charge: str, *, kind: str = "successful_payment", **more: Any
) -> Update:
    """A message of Telegram that money came or went back; each is an update of its own."""
    fields: dict[str, Any] = {
        "currency": total.currency,
        "total_amount": total.amount,
        "invoice_payload": payload,
        "telegram_payment_charge_id": charge,
        "provider_payment_charge_id": "",
    }
    person = {"id": EMMA, "is_bot": False, "first_name": "Emma", "language_code": "en"}
    message = {
        "message_id": 9,
        "date": 1_700_000_000,
        "chat": {"id": EMMA, "type": "private", "first_name": "Emma"},
        "from": person,
        kind: fields | more,
    }
    return Update.model_validate({"update_id": next(_updates), "message": message}, context={"bot": parts.bot})


async def link_of(parts: Parts, payload: str, stars: int = TEN_IN_STARS, **more: Any) -> str:
    """An invoice that anybody with the bot's token could have made."""
    prices = [LabeledPrice(label="Stars", amount=stars)]
    return await parts.bot.create_invoice_link("Title", "Words", payload, "XTR", prices, provider_token="", **more)


async def inbox(services: Services, outcome: str = "unmatched") -> list[tuple[str, str]]:
    """Messages of that outcome: their ids and reasons."""
    async with services.uow.read() as tx:
        statement = text("SELECT external_id, reason FROM payment_events WHERE outcome = :outcome ORDER BY id")
        return [(row.external_id, row.reason) for row in await tx.execute(statement, {"outcome": outcome})]


async def top_ups(services: Services) -> int:
    """What all top-ups have brought, in cents."""
    async with services.uow.read() as tx:
        statement = text("SELECT coalesce(sum(credited), 0) FROM payment_intents WHERE currency = :usd")
        return int((await tx.execute(statement, {"usd": USD})).scalar_one())
