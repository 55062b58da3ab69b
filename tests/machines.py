"""How long the state machines of Hypothesis run."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def lives(few: int) -> settings:
    """The same ``few`` examples in every run, or as many new ones as ``SOUK_EXAMPLES`` says."""
    many = os.environ.get("SOUK_EXAMPLES")
    return settings(
        max_examples=int(many or few),
        derandomize=many is None,
        database=None,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
