"""The interface of payment providers: what a new provider implements, and what it is built with.

A provider is one file in ``gateways/`` and one line in ``bootstrap.PROVIDERS``. The types in its signatures are in
``types/providers.py`` (``Capabilities``, ``PaymentRef``, ``ProviderReport``) and ``types/intents.py`` (``PayAction``);
``gateways/demo.py`` is the smallest provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from backend.infra.memory import LocalMemory
from backend.infra.settings import Settings
from backend.infra.telegram.client import Transport
from backend.kernel.clock import Clock
from backend.kernel.money import Money
from backend.payments.types import Capabilities, Covers, Created, PaymentRef, ProviderReport, Refunded


class PaymentProvider(Protocol):
    """One payment method and the service that takes the money.

    Every method may raise ProviderDown: no answer, or one that cannot be read. The call is then repeated later. No
    method is called inside a database transaction, and several may run at the same time, in several processes.
    """

    @property
    def name(self) -> str:
        """The payment method's name, as in ``SPEC``: lower case, part of URLs and of the ledger account
        ``provider:<name>``. It never changes once payments are stored."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the provider supports, its limits, and how often it is polled."""
        ...

    async def create(self, payment: PaymentRef) -> Created:
        """Open the payment at the provider and say how the buyer pays.

        Called again after a crash: the same ``payment.intent_id`` must give the same payment, so send it as the
        provider's idempotency key, or look for the payment first. ``payment.external_id`` is None here.
        """
        ...

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        """Ask the provider about one payment. None if it does not know the payment, or cannot be asked.

        Called by polling, by pages, and by reconciliation, also for payments that ended. ``received`` of the report is
        the total so far. Once the whole amount was reported (``payment.received``), report a refund if there was one.
        """
        ...

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Read a call to ``POST /hooks/<name>``: the reports in it, none for an event of no interest.

        ``headers`` as they were sent (any case), ``body`` byte for byte. Verify the signature first, in constant time,
        then read. Raises BadWebhook for a wrong signature and for anything unreadable. Each provider's docstring says
        what the signature covers, and where the rest is looked up. A provider without webhooks raises BadWebhook.
        """
        ...

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Refund ``amount`` (in the asset of ``payment.payable``) to the payer, once for each ``idempotency_key``.

        Called again with the same key after a crash, possibly days later: it must not send the money twice. Raises
        RefundRefused only if this refund will never be sent and no earlier call sent it: the money then returns to the
        buyer's balance. If that is not certain (no answer, another call in progress), raise ProviderDown.
        """
        ...

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """All payments and refunds of a period, as the same reports that ``webhook`` and ``status`` make of them.

        Used by reconciliation, which applies what never arrived. None if the provider has no such list: each payment is
        then asked about by ``status``. Leave out what does not belong to this shop.
        """
        ...


@runtime_checkable
class Examinable(Protocol):
    """A provider with a self-check, for the back office and ``souk doctor``. Optional."""

    async def examine(self) -> list[str]:
        """Check the provider now: one English line for each problem and what to do; empty if there is none."""
        ...


@runtime_checkable
class Renewing(Protocol):
    """A provider whose payments can renew themselves (``Capabilities.recurring``)."""

    async def set_renewal(self, payment: PaymentRef, *, on: bool) -> None:
        """Stop the renewals of the subscription that ``payment`` began, or (``on``) allow them again.

        Called again after a crash. Raises RenewalRefused if the provider will never do it.
        """
        ...


class Http(Transport, Protocol):
    """HTTP calls to a provider's API. Use ``call``; ``send`` is for the Telegram client."""

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send one request and return its answer with any status below 500, except those below.

        Raises ProviderDown for 5xx, 408, 409, 425, 429, a timeout, or a broken connection.
        """
        ...


class Answer(Protocol):
    """The answer of a provider's API."""

    @property
    def status(self) -> int:
        """The HTTP status, 200 to 499."""
        ...

    @property
    def body(self) -> bytes:
        """The body, byte for byte."""
        ...

    def json(self) -> Any:
        """Decode the body. Raises ProviderDown if it is not JSON."""
        ...


class Memory(Protocol):
    """A small shared set of names for each topic, such as known certificates. It may be lost at any time."""

    async def names(self, topic: str) -> frozenset[str]:
        """Return the latest names of a topic; none if they cannot be read."""
        ...

    async def add(self, topic: str, name: str) -> None:
        """Store a name, if possible."""
        ...


@dataclass(frozen=True)
class ProviderKit:
    """What ``build`` gets to make a provider with."""

    clock: Clock
    http: Http
    memory: Memory = field(default_factory=LocalMemory)


@dataclass(frozen=True, kw_only=True)
class ProviderSpec:
    """How a payment method is enabled: the method is on once all variables in ``needs`` are set."""

    name: str
    """The provider's ``name``."""
    needs: tuple[str, ...]
    """Environment variables, upper case; each is the field of the same name in ``infra/settings.py``."""
    build: Callable[[Settings, ProviderKit], PaymentProvider]
    """Makes the provider. Raises SettingsError, in one English line, for values that make no sense."""
    webhook: bool = False
    """Whether the provider calls ``/hooks/<name>``."""
    covers: Covers | None = None
    """What the signature of its calls covers; required with ``webhook``."""
    policy_risk: bool = True
    """Whether the back office warns that Telegram's rules require Stars for digital goods. False for Stars and demo."""
