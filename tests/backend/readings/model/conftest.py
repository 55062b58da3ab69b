"""What every test of the gateway would spend time on."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import httpx2._transports.default as transports
import openai  # noqa: F401 - two seconds, which no test should have
import pytest


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """As for the other HTTP client, in tests/conftest.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transports, "create_ssl_context", functools.cache(transports.create_ssl_context))
        yield
