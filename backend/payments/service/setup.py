"""Enable payment methods by their variables."""

from __future__ import annotations

from collections.abc import Sequence

from backend.infra.settings import Settings, SettingsError
from backend.payments.ports import PaymentProvider, ProviderKit, ProviderSpec
from backend.payments.types import ProviderSetup, SetupState


def configure(
    specs: Sequence[ProviderSpec], settings: Settings, kit: ProviderKit
) -> tuple[list[PaymentProvider], list[ProviderSetup]]:
    """Build the enabled providers, and describe how every payment method is configured.

    An incomplete or wrong one stays off and says why, so that the shop starts without it.
    """
    providers: list[PaymentProvider] = []
    setups: list[ProviderSetup] = []
    for spec in specs:
        missing = tuple(name for name in spec.needs if not getattr(settings, name.lower()))
        problem, state = "", SetupState.INCOMPLETE
        if len(missing) == len(spec.needs):
            state = SetupState.OFF
        elif not missing:
            try:
                providers.append(spec.build(settings, kit))
                state = SetupState.ON
            except SettingsError as error:
                problem, state = str(error), SetupState.WRONG
        address = f"{settings.public_url.rstrip('/')}/hooks/{spec.name}" if spec.webhook else ""
        setups.append(
            ProviderSetup(
                name=spec.name,
                state=state,
                needs=spec.needs,
                missing=missing,
                problem=problem,
                webhook_url=address,
                policy_risk=spec.policy_risk,
            )
        )
    return providers, setups
