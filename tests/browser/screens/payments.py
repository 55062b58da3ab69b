"""Payments in every state that a page of money can show, and what waits there for an admin."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from playwright.async_api import Page, expect

from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.payments.types import IntentId, ProviderReport, ProviderState
from tests.browser.screens.screen import Act, Screen, press, sheet
from tests.browser.stack import Stack
from tests.browser.telegram import Person
from tests.factories.wallet import usd

if TYPE_CHECKING:
    from tests.browser.screens.world import World

_PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
_TON = "usdt_ton"
_CENTS = 2500


class Past(msgspec.Struct, frozen=True):
    """Ids of payments, and of provider events that could not be matched."""

    by_state: dict[str, str]
    """The payer's payments by the name of their state."""
    pending: str
    """A payment of rich that has just begun."""
    stray: str
    """An event about money of no payment."""
    back: str
    """An event about a refund that the shop did not make."""


async def live(stack: Stack, payer: Person, rich: Actor, admin: Actor) -> Past:
    """Make the payments and the events."""
    by_state = await _pay_in_every_state(stack, payer, admin)
    payments = stack.services.payments
    method = (await payments.methods.enabled(rich))[0]
    amount = payments.methods.limits.minimum
    pending = await payments.intents.start_top_up(rich, method.name, amount, None, idempotency_key=f"browser-{rich.id}")
    stray = ProviderReport(
        event_id=f"stray:{payer.id}",
        state=ProviderState.PAID,
        external_id=f"never:{payer.id}",
        received=usd(1500),
        details={"from": "0x52908400098527886E0F7030069857D2E4169EE7"},
    )
    back = ProviderReport(
        event_id=f"back:{payer.id}",
        state=ProviderState.REFUNDED,
        intent_id=IntentId(UUID(by_state["part-refunded"])),
        refunded=usd(1000),
    )
    for report in (stray, back):
        await payments.intents.settle("demo", report)
    events = {row.event_id: str(row.id) for row in (await payments.inbox.unmatched(admin)).items}
    return Past(by_state, str(pending.id), events[stray.event_id], events[back.event_id])


def screens(world: World) -> list[Screen]:
    """Payments of a person, then an admin's pages of payments."""
    return [
        Screen("topup", "/wallet/topup"),
        Screen("topup-error", "/wallet/topup", act=_wrong_amount),
        Screen("topup-method", "/wallet/topup?method=stars", "payer"),
        Screen("payment", f"/wallet/payments/{world.payments.pending}"),
        *(
            Screen(f"payment-{name}", f"/wallet/payments/{one}", "payer")
            for name, one in world.payments.by_state.items()
        ),
        Screen("payments", "/wallet/payments", "payer"),
        Screen("payments-empty", "/wallet/payments", "poor"),
        *(Screen(f"manage-{name}", path, "admin", act) for name, path, act in _manage(world.payments)),
    ]


def _manage(past: Past) -> list[tuple[str, str, Act | None]]:
    one, unmatched, by_state = "/admin/payments/", "/admin/payments/unmatched", past.by_state
    stray = f"{unmatched}/{past.stray}"
    return [
        ("payments", "/admin/payments", None),
        ("payments-none", "/admin/payments?method=never", None),
        ("payment", one + by_state["part-refunded"], None),
        ("payment-coins", one + by_state["short"], None),
        ("payment-open", one + by_state["comment"], None),
        ("payment-deposit", one + by_state["proved"], None),
        ("payment-refund", one + by_state["part-refunded"], sheet("refund")),
        ("payment-refund-error", one + by_state["part-refunded"], _wrong_refund),
        ("deposits", "/admin/payments/deposits", None),
        ("deposit-confirm", one + by_state["proved"], sheet("confirm")),
        ("deposit-reject", one + by_state["proved"], sheet("reject")),
        ("unmatched", unmatched, None),
        ("event", stray, None),
        ("event-refund", f"{unmatched}/{past.back}", None),
        ("event-dismiss", stray, sheet("dismiss")),
        ("assign-order", stray, sheet("assign")),
        ("assignees", f"{stray}/people", None),
        ("assignees-none", f"{stray}/people?q=zzzzzz", None),
        ("assign", f"{stray}/people", press("button[hx-get*='/assign?person=']")),
        ("reconciliation", "/admin/payments/reconciliation", None),
        ("methods", "/admin/settings/payments", None),
        ("method", "/admin/settings/payments", sheet("stripe")),
    ]


async def _wrong_refund(page: Page) -> None:
    page.once("dialog", lambda dialog: dialog.accept())
    await sheet("refund")(page)
    await page.locator("#amount").fill("9999")
    await page.locator("#reason").fill("too much")
    await page.locator(".sheet button[type=submit]").click()
    await expect(page.locator("#amount-error")).not_to_be_empty()


async def _wrong_amount(page: Page) -> None:
    await page.locator("#amount").fill("0.1")
    await expect(page.locator("#amount-error")).not_to_be_empty()


async def _pay_in_every_state(stack: Stack, payer: Person, admin: Actor) -> dict[str, str]:
    """One person's payments, each in a state of its own; their ids by the name of the state."""
    paying = await _Payer.of(stack, payer)
    paid = {
        name: await paying.coins(name, text) for name, text in (("short", "20"), ("over", "25.5"), ("receipt", "25"))
    }
    details = {"confirmations": "3", "needed": "12", "seen": "25"}
    others = {
        "stars": await paying.begin("stars", "stars"),
        "transfer": await paying.begin("transfer", "usdt_evm"),
        "comment": await paying.begin("comment", _TON),
        "confirming": await paying.report("confirming", ProviderState.CONFIRMING, details),
        "failed": await paying.report("failed", ProviderState.FAILED),
        "expired": await paying.report("expired", ProviderState.EXPIRED),
        "deposit": await paying.begin("deposit", "deposit"),
        "proved": await paying.proved("proved"),
        "rejected": await paying.proved("rejected"),
        "refunded": await paying.refunded("refunded", admin, _CENTS),
        "part-refunded": await paying.refunded("part-refunded", admin, _CENTS // 5),
    }
    await stack.services.payments.deposits.reject(admin, others["rejected"], "The picture shows another sum.")
    return {name: str(intent_id) for name, intent_id in (paid | others).items()}


class _Payer:
    def __init__(self, stack: Stack, person: Person, actor: Actor) -> None:
        self._services, self._person, self._actor = stack.services, person, actor

    @classmethod
    async def of(cls, stack: Stack, person: Person) -> _Payer:
        """Somebody who has opened the shop."""
        return cls(stack, person, await stack.actor(person.id))

    async def begin(self, name: str, method: str) -> IntentId:
        """A payment of 25 dollars."""
        key = f"browser-{self._person.id}-{name}"
        intent = await self._services.payments.intents.start_top_up(
            self._actor, method, usd(_CENTS), idempotency_key=key
        )
        return intent.id

    async def coins(self, name: str, received: str) -> IntentId:
        """One by USDT, of which so much has come."""
        intent_id = await self.begin(name, _TON)
        await self._settle(_TON, intent_id, name, ProviderState.PAID, Money.parse(received, "USDT"))
        return intent_id

    async def report(self, name: str, state: ProviderState, details: dict[str, str] | None = None) -> IntentId:
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
        """A paid payment of which ``cents`` were refunded."""
        intent_id = await self.begin(name, "demo")
        await self._settle("demo", intent_id, name, ProviderState.PAID, usd(_CENTS))
        key = f"browser-{self._person.id}-{name}"
        await self._services.payments.refunds.refund_top_up(
            admin, intent_id, usd(cents), "as asked", idempotency_key=key
        )
        return intent_id

    async def _settle(
        self,
        method: str,
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
        await self._services.payments.intents.settle(method, report)
