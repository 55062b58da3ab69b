"""aiogram takes seconds to import: nobody waits for it who sends nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
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
    imported = threading.Event()

    def slowly() -> type[TelegramMessenger]:
        assert imported.wait(10)  # never comes, if the loop stands still meanwhile
        return TelegramMessenger

    monkeypatch.setattr(lazy, "load", slowly)
    messenger = LazyTelegramMessenger(settings)
    turns = [asyncio.create_task(messenger.turn(chat, "ticket")) for chat in (1, 2)]
    await asyncio.sleep(0.05)
    assert not any(turn.done() for turn in turns)
    imported.set()
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
