"""People whose payments and orders stand in every state that a page of money can show."""

from __future__ import annotations

from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.orders.types import RefundTarget
from backend.payments.types import IntentId, ProviderReport, ProviderState
from tests.browser.stack import Stack
from tests.browser.telegram import Person
from tests.factories.wallet import usd

_PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
_TON = "usdt_ton"
_CENTS = 2500


async def pay_in_every_way(stack: Stack, payer: Person, admin: Actor) -> dict[str, str]:
    """One person's payments, each in a state of its own; their ids by the name of the state."""
    made = await _Payer.of(stack, payer)
    paid = {name: await made.coins(name, text) for name, text in (("short", "20"), ("over", "25.5"), ("receipt", "25"))}
    details = {"confirmations": "3", "needed": "12", "seen": "25"}
    others = {
        "stars": await made.begin("stars", "stars"),
        "transfer": await made.begin("transfer", "usdt_evm"),
        "comment": await made.begin("comment", _TON),
        "confirming": await made.told("confirming", ProviderState.CONFIRMING, details),
        "failed": await made.told("failed", ProviderState.FAILED),
        "expired": await made.told("expired", ProviderState.EXPIRED),
        "deposit": await made.begin("deposit", "deposit"),
        "proved": await made.proved("proved"),
        "rejected": await made.proved("rejected"),
        "refunded": await made.refunded("refunded", admin, _CENTS),
        "part-refunded": await made.refunded("part-refunded", admin, _CENTS // 5),
    }
    await stack.services.payments.deposits.reject(admin, others["rejected"], "The picture shows another sum.")
    return {name: str(found) for name, found in (paid | others).items()}


async def order_in_parts(stack: Stack, saver: Person) -> str:
    """Somebody's order with a part of its price set aside and a payment open for the rest; more is in his wallet."""
    actor = await stack.fund(saver.id, 300)
    variant = await stack.variant("app-store-card-tr", 1)
    key = f"browser-{saver.id}-held"
    held = await stack.services.orders.checkout.reserve(actor, variant.id, 1, key, hold=True)
    order = await stack.services.orders.history.detail(actor, held.number)
    await stack.services.payments.intents.start_top_up(
        actor, "usdt_evm", order.total - order.held, order.id, idempotency_key=key
    )
    await stack.fund(saver.id, 300)
    return held.number


async def order_paid_back(stack: Stack, payer: Person) -> str:
    """An order whose price went back to the wallet."""
    await stack.fund(payer.id, 720)
    number = await stack.buy(payer.id, "private-vpn", 1)
    key = f"browser-{payer.id}-order"
    # The system, so that it takes nothing from what the admin of the screens may give away.
    system = Actor.system()
    await stack.services.orders.refunds.refund(
        system, number, usd(720), RefundTarget.WALLET, "as asked", idempotency_key=key
    )
    return number


class _Payer:
    def __init__(self, stack: Stack, person: Person, actor: Actor) -> None:
        self._services, self._person, self._actor = stack.services, person, actor

    @classmethod
    async def of(cls, stack: Stack, person: Person) -> _Payer:
        """Somebody who has opened the shop."""
        return cls(stack, person, await stack.actor(person.id))

    async def begin(self, name: str, way: str) -> IntentId:
        """A payment of 25 dollars."""
        key = f"browser-{self._person.id}-{name}"
        intent = await self._services.payments.intents.start_top_up(self._actor, way, usd(_CENTS), idempotency_key=key)
        return intent.id

    async def coins(self, name: str, received: str) -> IntentId:
        """One by USDT, of which so much has come."""
        intent_id = await self.begin(name, _TON)
        await self._settle(_TON, intent_id, name, ProviderState.PAID, Money.parse(received, "USDT"))
        return intent_id

    async def told(self, name: str, state: ProviderState, details: dict[str, str] | None = None) -> IntentId:
        """One by USDT that stands so."""
        intent_id = await self.begin(name, _TON)
        await self._settle(_TON, intent_id, name, state, details=details)
        return intent_id

    async def proved(self, name: str) -> IntentId:
        """One by hand with a proof."""
        intent_id = await self.begin(name, "deposit")
        await self._services.payments.deposits.add_receipt(self._actor, intent_id, _PNG)
        return intent_id

    async def refunded(self, name: str, admin: Actor, cents: int) -> IntentId:
        """One that was paid, and has gone back as far as ``cents``."""
        intent_id = await self.begin(name, "demo")
        await self._settle("demo", intent_id, name, ProviderState.PAID, usd(_CENTS))
        key = f"browser-{self._person.id}-{name}"
        await self._services.payments.refunds.refund_top_up(
            admin, intent_id, usd(cents), "as asked", idempotency_key=key
        )
        return intent_id

    async def _settle(
        self,
        way: str,
        intent_id: IntentId,
        name: str,
        state: ProviderState,
        received: Money | None = None,
        details: dict[str, str] | None = None,
    ) -> None:
        report = ProviderReport(
            event_id=f"{intent_id}:{name}",
            state=state,
            intent_id=intent_id,
            received=received,
            details=details or {},
        )
        await self._services.payments.intents.settle(way, report)
