"""Long polling that loses nothing: Telegram forgets a batch when the next is asked for, after it was handled."""

from __future__ import annotations

import asyncio

import structlog
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramConflictError, TelegramRetryAfter

from bot.intake import Intake, NotTaken

_ASK_SECONDS = 25
_ANSWER_SECONDS = _ASK_SECONDS + 10
_LOOK_SECONDS = 1.0
_LOOK_ANSWER_SECONDS = 5
_SHORTEST_REST = 0.5
_LONGEST_REST = 30.0
log = structlog.get_logger(__name__)


class Poller:
    """Asks for updates and hands them on; waits out a Telegram that is away."""

    def __init__(self, bot: Bot, intake: Intake, allowed_updates: list[str]) -> None:
        self._bot = bot
        self._intake = intake
        self._allowed = allowed_updates
        self._offset: int | None = None
        self._batch: asyncio.Task[None] | None = None
        self._stopping = False

    async def run(self) -> None:
        """Poll until cancelled."""
        rest = 0.0
        webhook_gone = False
        while not self._stopping:
            try:
                if not webhook_gone:
                    await self._bot.delete_webhook()
                    webhook_gone = True
                await self._once()
            except (AiogramError, OSError, TimeoutError, NotTaken) as error:
                # A webhook that somebody set meanwhile is a conflict too.
                webhook_gone = webhook_gone and not isinstance(error, TelegramConflictError)
                if not rest:
                    log.warning("polling.waiting", error=f"{type(error).__name__}: {error}")
                rest = min(max(rest * 2, _SHORTEST_REST), _LONGEST_REST)
                await asyncio.sleep(max(rest, error.retry_after if isinstance(error, TelegramRetryAfter) else 0))
            else:
                if rest:
                    log.info("polling.recovered")
                rest = 0.0
        await asyncio.Event().wait()

    async def _once(self) -> None:
        updates = await self._bot.get_updates(
            offset=self._offset,
            timeout=_ASK_SECONDS,
            allowed_updates=self._allowed,
            request_timeout=_ANSWER_SECONDS,
        )
        if not updates:
            return
        self._batch = asyncio.create_task(self._intake.take_all(updates))
        try:
            await self._answer_urgent_while(self._batch)
            await asyncio.shield(self._batch)
        except NotTaken as error:
            # Telegram keeps this one and all after it; those that were handled are known when they come again.
            self._offset = error.number
            raise
        self._offset = updates[-1].update_id + 1

    async def _answer_urgent_while(self, batch: asyncio.Task[None]) -> None:
        """While a batch takes long, look for questions that came since: Telegram waits ten seconds for their answer.

        The look confirms nothing; the next batch brings them again, and they are known then.
        """
        taken: dict[int, asyncio.Task[None]] = {}
        while not batch.done():
            await asyncio.wait([batch], timeout=_LOOK_SECONDS)
            if batch.done():
                break
            try:
                waiting = await self._bot.get_updates(
                    offset=self._offset, timeout=0, allowed_updates=self._allowed, request_timeout=_LOOK_ANSWER_SECONDS
                )
            except (AiogramError, OSError, TimeoutError) as error:
                log.info("polling.not_looked", error=repr(error))
                continue
            for update in waiting:
                if update.pre_checkout_query is not None and update.update_id not in taken:
                    taken[update.update_id] = asyncio.create_task(self._intake.take(update))
        # One of the batch's own is "busy" or known; it is answered there.
        await asyncio.gather(*taken.values(), return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Let the batch in hand end, then tell Telegram how far we have come."""
        self._stopping = True
        batch = self._batch
        if batch is not None:
            await asyncio.wait([batch], timeout=seconds)
            # The loop, which waited for the same batch, has its turn now and moves the offset.
            await asyncio.sleep(0)
        if self._offset is not None:
            try:
                await self._bot.get_updates(offset=self._offset, limit=1, timeout=0, request_timeout=3)
            except (AiogramError, OSError, TimeoutError) as error:
                log.info("polling.not_confirmed", error=repr(error))
