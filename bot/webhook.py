"""The webhook: ``POST /hooks/telegram``, behind Caddy."""

from __future__ import annotations

import asyncio
import hmac

import structlog
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiohttp import web

from backend.infra.settings import Settings
from bot.intake import Busy, Intake, NotTaken
from bot.updates import read

PATH = "/hooks/telegram"
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a name
_LARGEST_BODY = 1024 * 1024
_SHORTEST_REST = 1.0
_LONGEST_REST = 60.0
log = structlog.get_logger(__name__)


class Webhook:
    """Serves the webhook, and sets it at Telegram.

    Telegram does not sign the body: its secret header is a password. Anyone who knows it can report paid Stars, so it
    is required on every call, compared in constant time and never logged; Stars are reconciled with Telegram's list of
    transactions each night. Long polling, the default, has no such password.
    """

    def __init__(self, bot: Bot, intake: Intake, allowed_updates: list[str], settings: Settings) -> None:
        self._bot = bot
        self._intake = intake
        self._allowed = allowed_updates
        self._settings = settings

    def application(self) -> web.Application:
        """The web application."""
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_post(PATH, self._receive)
        application.router.add_get("/healthz", self._healthz)
        return application

    async def run(self) -> None:
        """Serve until cancelled; requests that have started are answered first."""
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=10)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._settings.host, self._settings.bot_port).start()
            await self._subscribe()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _subscribe(self) -> None:
        rest = _SHORTEST_REST
        while True:
            try:
                await self._bot.set_webhook(
                    self._settings.public_url.rstrip("/") + PATH,
                    secret_token=self._settings.bot_webhook_secret,
                    allowed_updates=self._allowed,
                )
            except TelegramBadRequest as error:
                log.error("webhook.refused", error=error.message)
                raise
            except (AiogramError, OSError, TimeoutError) as error:
                log.warning("webhook.waiting", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(rest)
                rest = min(rest * 2, _LONGEST_REST)
            else:
                log.info("webhook.set")
                return

    async def _receive(self, request: web.Request) -> web.Response:
        given = request.headers.get(_SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._settings.bot_webhook_secret.encode()):
            return web.Response(status=401)
        # An update that cannot be read is logged and accepted: repeating it would not help.
        reading = read(await request.read(), self._bot)
        try:
            await self._intake.take_read(reading)
        except (Busy, NotTaken):
            return web.Response(status=503, headers={"Retry-After": "1"})
        return web.Response()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})
