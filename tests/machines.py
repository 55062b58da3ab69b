"""How large the simulations are: small and the same in every run, or as large as ``SOUK_EXAMPLES`` says."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def many(few: int) -> int:
    """``few``, or as many as ``SOUK_EXAMPLES`` says."""
    return int(os.environ.get("SOUK_EXAMPLES") or few)


def lives(few: int, steps: int = 20) -> settings:
    """The same ``few`` examples in every run, or as many new ones as ``SOUK_EXAMPLES`` says, of so many ``steps``."""
    return settings(
        max_examples=many(few),
        derandomize="SOUK_EXAMPLES" not in os.environ,
        database=None,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
