"""``souk keys``: a master key that is new, and one that takes over."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from backend.bootstrap import Services
from backend.cli import frame
from backend.infra.crypto import KeyRing
from backend.infra.settings import parse_master_keys
from tests.backend.cli.conftest import Souk


async def test_what_is_generated_is_a_master_key(souk: Souk) -> None:
    key = (await souk("keys", "generate")).output.strip()
    assert len(parse_master_keys(key)) == 1


async def test_a_rotation_shows_how_far_it_is(souk: Souk, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal; elsewhere one line gives the result."""
    screen = io.StringIO()
    monkeypatch.setattr(frame, "_errors", Console(file=screen, force_terminal=True, width=100))
    async with services.uow() as tx:
        for _ in range(3):
            await services.ring.create(tx, "stock")
    both = "k2:" + "B" * 43 + "=," + services.settings.master_keys
    done = await souk("keys", "rotate", MASTER_KEYS=both)
    assert (done.exit_code, done.output) == (0, "3 data keys now use the current master key.\n")
    assert "Wrapping data keys" in screen.getvalue()
    assert "3/3" in screen.getvalue()
    async with services.uow.read() as tx:
        assert (await KeyRing(both).survey(tx)).old == 0
    assert (await souk("keys", "rotate", MASTER_KEYS=both)).output.startswith("0 data keys")
