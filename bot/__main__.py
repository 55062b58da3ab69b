"""The bot: ``python -m bot``. Long polling, or with BOT_WEBHOOK=1 the webhook at ``/hooks/telegram``."""

from __future__ import annotations

import backend.infra.lean  # noqa: F401 - before anything that would import rich

# isort: split

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog

from backend.bootstrap import build
from backend.infra.heartbeat import beat, heartbeat_file
from backend.infra.roots import run_process, run_until_stopped
from backend.infra.settings import Settings
from backend.infra.starting import require_port
from backend.infra.traces import trace_unheard
from bot.app import make_bot, make_dispatcher, used_updates
from bot.commands import dress
from bot.context import Deps
from bot.intake import Intake
from bot.polling import Poller
from bot.webhook import Webhook

_DRAIN_SECONDS = 10.0
log = structlog.get_logger(__name__)


async def run(settings: Settings) -> int:
    """Answer until SIGTERM; the exit code. Telegram, PostgreSQL and Redis may be away at the start, and later."""
    trace_unheard(asyncio.get_running_loop())
    services = build(settings)
    deps = Deps.of(services)
    bot, dispatcher = make_bot(settings, services.telegram.pace), make_dispatcher(deps)
    intake, kinds = Intake(bot, dispatcher, services.redis, services.payments.chat), used_updates(dispatcher)
    poller = Poller(bot, intake, kinds)

    async def dress_once() -> None:
        await dress(bot, deps)
        await asyncio.Event().wait()

    parts: dict[str, Callable[[], Awaitable[Any]]] = {
        "updates": Webhook(bot, intake, kinds, settings).run if settings.bot_webhook else poller.run,
        "menu": dress_once,
        "heartbeat": partial(beat, heartbeat_file(settings, "bot")),
    }
    async with services.running(listen=True):
        try:
            return await run_until_stopped(
                parts,
                None if settings.bot_webhook else partial(poller.drain, _DRAIN_SECONDS),
                started=partial(log.info, "bot.started", webhook=settings.bot_webhook),
            )
        finally:
            await bot.session.close()
            log.info("bot.stopped")


def start(settings: Settings) -> int:
    """Run the bot; the exit code. Raises CannotStart when the webhook's port is taken."""
    if settings.bot_webhook:
        require_port("BOT_PORT", settings.host, settings.bot_port)
    return asyncio.run(run(settings))


if __name__ == "__main__":
    sys.exit(run_process("bot", start))
