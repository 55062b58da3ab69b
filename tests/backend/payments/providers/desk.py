"""What the contract needs of a provider: verbs for what people, the provider and strangers do, the same for all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from backend.infra.settings import Settings
from backend.payments.ports import PaymentProvider, ProviderKit
from backend.payments.types import Intent

Hook = tuple[dict[str, str], bytes]
"""Headers and body of a webhook call."""


class Desk(Protocol):
    """A provider with its local server. Amounts are minor units of the asset that people pay in."""

    provider: PaymentProvider
    settings: dict[str, str]
    """The settings that enable it."""
    refunds_by_charge: bool
    """Whether it sends back a payment of which no invoice of ours is known."""

    def go_down(self, down: bool) -> None:
        """Let the provider answer errors only, or recover."""

    def pay(self, intent: Intent, units: int) -> Hook:
        """Let the person pay ``units``; the call that the provider makes about it."""

    def refund_behind(self, intent: Intent, units: int) -> Hook | None:
        """Refund at the provider, outside the shop; its webhook call, if it makes one."""

    def understate(self, intent: Intent, units: int) -> None:
        """Let the provider report less than it did before."""

    def forget(self, intent: Intent) -> None:
        """Let the provider lose the payment."""

    def opened(self, intent: Intent) -> int:
        """How many payments the provider has opened for the intent."""

    def sent_back(self, intent: Intent) -> int:
        """The refund total of the payment."""

    def refunds(self, intent: Intent) -> int:
        """How many refunds the provider made of it."""

    def foreign(self, units: int, currency: str) -> Hook:
        """A genuine call about a payment of another shop."""

    def mislabelled(self, intent: Intent, units: int, currency: str) -> Hook:
        """A genuine call that says that the intent was paid in another currency."""

    def signed(self, body: bytes) -> Hook:
        """Any body, with a genuine signature."""

    def forgeries(self, hook: Hook) -> list[tuple[str, Hook]]:
        """Calls like ``hook`` that are not the provider's, each with what is wrong."""


OpenDesk = Callable[[Settings, ProviderKit], AbstractAsyncContextManager[Desk]]
"""Starts the local server and builds the provider on it, by its own SPEC and settings."""
