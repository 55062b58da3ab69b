"""The worker and the bot as processes: started, killed, started again."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.infra import embedded
from backend.infra.settings import Settings
from tests import processes
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, NADIA, Telegram

pytestmark = pytest.mark.long("starts processes")
Start = Callable[..., processes.Running]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the processes say."""
    return tmp_path / "processes.log"


@pytest.fixture
def start(log: Path) -> Iterator[Start]:
    """Starts processes that end with the test."""
    started: list[processes.Running] = []

    def begin(module: str, settings: Settings, *arguments: str, cold: bool = False) -> processes.Running:
        started.append(processes.start(module, settings, log, *arguments, cold=cold))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def real_settings(shop: Shop, other_settings: Callable[..., Settings], tmp_path: Path) -> Callable[..., Settings]:
    """Settings for a process of its own."""

    def make(**changes: Any) -> Settings:
        api = shop.services.settings.telegram_api_url
        values = {"telegram_api_url": api, "metrics_port": embedded.free_port(), "data_dir": str(tmp_path / "data")}
        return other_settings(**(values | changes))

    return make


async def ended(process: processes.Running) -> int:
    return await asyncio.wait_for(asyncio.to_thread(process.wait), 120)  # cold starts on a busy machine


async def messages(telegram: Telegram, number: int, count: int, seconds: float = 40) -> list[Any]:
    """So many messages in somebody's chat, as soon as they are there."""
    async with asyncio.timeout(seconds):
        while len(messages := await telegram.person(number).heard(wait=1)) < count:
            pass
    return messages


async def test_a_sale_is_told_and_the_worker_ends_in_order(
    shop: Shop, telegram: Telegram, start: Start, real_settings: Callable[..., Settings], log: Path
) -> None:
    settings = real_settings()
    worker = start("backend.worker", settings)
    goods = await shop.goods()
    await shop.sale(await shop.buyer(), goods)
    assert goods.keys[0] in (await messages(telegram, EMMA, 1))[0]["text"]
    await messages(telegram, NADIA, 1)
    assert await ended(start("backend.infra.heartbeat", settings, "worker")) == 0
    url = f"http://127.0.0.1:{settings.metrics_port}/metrics"
    text = (await asyncio.to_thread(lambda: urllib.request.urlopen(url).read())).decode()
    assert 'souk_jobs_total{outcome="done",task="notifications.send"}' in text
    worker.send_signal(signal.SIGTERM)
    assert await ended(worker) == 0
    assert await ended(start("backend.infra.heartbeat", settings, "worker")) == 1
    assert goods.keys[0] not in log.read_text()
    assert settings.bot_token not in log.read_text()


async def test_the_sale_goes_on_without_redis_and_is_told_when_it_is_back(
    shop: Shop,
    telegram: Telegram,
    start: Start,
    real_settings: Callable[..., Settings],
    log: Path,
    tmp_path: Path,
) -> None:
    port = embedded.free_port()
    start("backend.worker", real_settings(redis_url=f"redis://127.0.0.1:{port}/0"))
    await shop.sale(await shop.buyer(), await shop.goods())
    async with asyncio.timeout(40):
        while not {"relay.waiting", "jobs.waiting"} <= set(re.findall(r"\b[a-z]+\.waiting\b", log.read_text())):
            await asyncio.sleep(0.05)
    assert await telegram.person(EMMA).heard(wait=0) == []
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, embedded.redis(tmp_path / "redis", port))
        await messages(telegram, EMMA, 1)
        await messages(telegram, NADIA, 1)
        await asyncio.to_thread(stack.close)


async def test_a_worker_killed_while_telegram_is_away_loses_nothing(
    shop: Shop, telegram: Telegram, start: Start, real_settings: Callable[..., Settings]
) -> None:
    await telegram.fault("sendMessage", kind="429", retry_after=2, times=50)
    settings = real_settings()
    worker = start("backend.worker", settings)
    await shop.sale(await shop.buyer(), await shop.goods())
    async with asyncio.timeout(30):
        while not any(job.run_at > job.created_at for job in await shop.jobs("notifications.send")):
            await asyncio.sleep(0.1)
    worker.kill()
    await ended(worker)
    await telegram.control("DELETE", "/faults")
    start("backend.worker", settings)
    received = await messages(telegram, EMMA, 1, seconds=60)
    assert len(received) == 1
    await messages(telegram, NADIA, 1, seconds=60)


async def test_a_wrong_setting_is_named_in_one_line(
    start: Start, real_settings: Callable[..., Settings], log: Path
) -> None:
    for module in ("backend.worker", "bot"):
        assert await ended(start(module, real_settings(redis_url="http://redis"), cold=True)) == 2
    lines = log.read_text().splitlines()
    assert len(lines) == 2
    assert all("REDIS_URL" in line for line in lines)


async def test_the_bot_as_a_process(
    shop: Shop, telegram: Telegram, start: Start, real_settings: Callable[..., Settings], log: Path
) -> None:
    settings = real_settings()
    bot = start("bot", settings)
    await telegram.person(EMMA).send("/help")
    assert (await messages(telegram, EMMA, 1))[0]["buttons"]
    assert await ended(start("backend.infra.heartbeat", settings, "bot")) == 0
    bot.send_signal(signal.SIGTERM)
    assert await ended(bot) == 0
    assert settings.bot_token not in log.read_text()
