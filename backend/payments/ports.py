"""The one port of all providers. A provider is one file in ``gateways/`` and one line in bootstrap."""

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
    """A way for money to come in. Every method may raise ProviderDown; none is called inside a transaction."""

    @property
    def name(self) -> str:
        """The way's name: lower case, used in addresses and in the ledger (``provider:<name>``)."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    async def create(self, payment: PaymentRef) -> Created:
        """Open the payment at the provider; the same ``intent_id`` again gives the same payment."""
        ...

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        """Where the payment stands now; None where nobody can be asked."""
        ...

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """The news in a call to our address. Raises BadWebhook unless it is the provider's own.

        Each docstring says what the signature covers, and how what it does not cover is known.
        """
        ...

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Send ``amount`` (of the asset that people pay in) back to the payer; the same key again sends nothing more.

        Raises RefundRefused when it can never be sent and no earlier call has sent it; whatever leaves that open (no
        answer, an earlier call still at work) is ProviderDown.
        """
        ...

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """All payments and refunds that the provider knows of a period; None where it has no such list."""
        ...


@runtime_checkable
class Examinable(Protocol):
    """A provider that an operator can ask how it is."""

    async def examine(self) -> list[str]:
        """What an operator should know and do, one English line each; empty when all is well."""
        ...


class Http(Transport, Protocol):
    """Calls to a provider's API; to Telegram's, which tells more by its failures, by ``send``."""

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
        """One call and its answer, whatever its status below 500.

        Raises ProviderDown for 5xx, for 408, 409, 425 and 429, and for no answer.
        """
        ...


class Answer(Protocol):
    """What a provider's API said."""

    @property
    def status(self) -> int:
        """The HTTP status, 200 to 499."""
        ...

    @property
    def body(self) -> bytes:
        """The body as it came."""
        ...

    def json(self) -> Any:
        """The body read as JSON. Raises ProviderDown for anything else."""
        ...


class Memory(Protocol):
    """Names that should outlive a process. They may be lost at any time; nothing may be proved by them."""

    async def names(self, topic: str) -> frozenset[str]:
        """The latest names of a topic; none where they cannot be read."""
        ...

    async def add(self, topic: str, name: str) -> None:
        """Remember a name, if that is possible."""
        ...


@dataclass(frozen=True)
class ProviderKit:
    """What providers are built with."""

    clock: Clock
    http: Http
    memory: Memory = field(default_factory=LocalMemory)


@dataclass(frozen=True, kw_only=True)
class ProviderSpec:
    """A way that an operator can switch on: by setting all the variables that it ``needs``.

    ``build`` may raise SettingsError for values that make no sense. ``webhook``: it calls ``/hooks/<name>``.
    ``covers``: what the signature of its calls proves, for one that calls.
    ``policy_risk``: not Stars, which Telegram's rules want for digital goods.
    """

    name: str
    needs: tuple[str, ...]
    build: Callable[[Settings, ProviderKit], PaymentProvider]
    webhook: bool = False
    covers: Covers | None = None
    policy_risk: bool = True
