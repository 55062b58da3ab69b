"""aiogram takes seconds to import: nobody waits for it who sends nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from backend.infra.settings import Settings
from backend.notifications.errors import NotSent
from backend.notifications.gateways import lazy
from backend.notifications.gateways.lazy import LazyTelegramMessenger
from backend.notifications.gateways.telegram import TelegramMessenger
from tests.processes import ROOT


def test_the_worker_is_there_before_aiogram() -> None:
    told = "import sys, backend.worker; sys.exit('aiogram' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], cwd=ROOT, check=False).returncode == 0


async def test_the_loop_goes_on_while_it_is_imported(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly() -> type[TelegramMessenger]:
        time.sleep(0.3)
        return TelegramMessenger

    monkeypatch.setattr(lazy, "load", slowly)
    messenger = LazyTelegramMessenger(settings)
    turns = [asyncio.create_task(messenger.turn(chat, "ticket")) for chat in (1, 2)]
    longest = 0.0
    while not all(turn.done() for turn in turns):
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    assert longest < 0.25
    await asyncio.gather(*turns)
    await messenger.close()
    with pytest.raises(NotSent):
        await messenger.turn(1, "ticket")


async def test_one_that_is_closed_meanwhile_stays_closed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy, "load", lambda: time.sleep(0.1) or TelegramMessenger)
    messenger = LazyTelegramMessenger(settings)
    turn = asyncio.create_task(messenger.turn(1, "ticket"))
    await asyncio.sleep(0.02)
    await messenger.close()
    with pytest.raises(NotSent):
        await turn
