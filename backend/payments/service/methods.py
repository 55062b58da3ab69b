"""Payment methods: which are enabled, how they are configured, and what they allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.identity.types import Actor, Permission
from backend.infra.live_settings import Live
from backend.kernel.money import Money
from backend.payments import rules
from backend.payments.ports import Examinable, PaymentProvider
from backend.payments.service.common import Providers
from backend.payments.types import Capabilities, Intent, PaymentMethod, ProviderSetup, TopUpLimits


class MethodsService:
    """Answers questions about payment methods.

    ``providers`` are the enabled ones in the order in which buyers see them; ``setups`` describe all known ones.
    """

    def __init__(
        self, *, providers: Iterable[PaymentProvider], limits: Live[TopUpLimits], setups: Sequence[ProviderSetup] = ()
    ) -> None:
        self._providers: Providers = {provider.name: provider for provider in providers}
        self._setups = list(setups)
        self._limits = limits
        self._currency = limits().minimum.currency

    @property
    def limits(self) -> TopUpLimits:
        """What one top-up may be, whatever the payment method."""
        return self._limits()

    async def enabled(self, actor: Actor) -> list[PaymentMethod]:
        """The payment methods that the actor can use, with their limits, in the order to show."""
        methods: list[PaymentMethod] = []
        for provider in self._providers.values():
            can = provider.capabilities
            if rules.serves(can, self._currency):
                minimum, maximum = rules.bounds(self.limits, can)
                methods.append(
                    PaymentMethod(
                        name=provider.name,
                        minimum=minimum,
                        maximum=maximum,
                        wait_seconds=can.wait_seconds,
                        asset=can.asset or self._currency,
                        unit_price=can.unit_price,
                        reconcilable=can.reconcilable,
                        renewal_maximum=_renewal_maximum(can),
                    )
                )
        return methods

    async def setups(self, actor: Actor) -> list[ProviderSetup]:
        """How each payment method is configured, disabled ones too. Needs the permission for settings."""
        actor.require(Permission.SETTINGS)
        return self._setups

    async def examine(self, actor: Actor, method: str) -> list[str]:
        """Run the self-check of an enabled method's provider: its findings. Needs the permission for settings."""
        actor.require(Permission.SETTINGS)
        provider = self._providers.get(method)
        return await provider.examine() if isinstance(provider, Examinable) else []

    def read_amount(self, text: str, asset: str = "") -> Money:
        """What a person typed, in ``asset``, or else the shop's currency. Raises Invalid."""
        return rules.read_amount(text, asset or self._currency)

    def explorer_url(self, intent: Intent) -> str:
        """The public page of the payment's latest transfer; empty if there is none."""
        provider = self._providers.get(intent.method)
        return rules.explorer_url(intent, provider.capabilities if provider else None)

    def is_enabled(self, method: str) -> bool:
        """Whether the payment method is enabled."""
        return method in self._providers


def _renewal_maximum(can: Capabilities) -> Money | None:
    if not can.recurring or can.renewal_maximum is None or can.asset is None:
        return None
    return Money(can.renewal_maximum, can.asset)
