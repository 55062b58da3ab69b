"""Long polling that loses nothing: Telegram forgets a batch when the next is asked for, after it was handled."""

from __future__ import annotations

import asyncio

import structlog
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramConflictError, TelegramRetryAfter

from backend.infra.ending import end
from bot.intake import Intake, NotTaken
from bot.money import is_question
from bot.session import GetRawUpdates
from bot.updates import Reading, read

_ASK_SECONDS = 25
_ANSWER_SECONDS = _ASK_SECONDS + 10
_LOOK_SECONDS = 1.0
_LOOK_ANSWER_SECONDS = 5
_SHORTEST_REST = 0.5
_LONGEST_REST = 30.0
_LONGEST_ASKED = 3600.0
log = structlog.get_logger(__name__)


def asked_rest(error: Exception) -> float:
    """The seconds that Telegram asks to wait, an hour at most; 0 if it does not."""
    return min(float(error.retry_after), _LONGEST_ASKED) if isinstance(error, TelegramRetryAfter) else 0.0


class Unnumbered(Exception):
    """Telegram sent updates that cannot be confirmed, since none has a number."""


class Poller:
    """Asks for updates and hands them on; waits while Telegram is away."""

    def __init__(self, bot: Bot, intake: Intake, allowed_updates: list[str]) -> None:
        self._bot = bot
        self._intake = intake
        self._allowed = allowed_updates
        self._offset: int | None = None
        self._batch: asyncio.Task[None] | None = None
        self._stopping = False

    async def run(self) -> None:
        """Poll until cancelled; a batch that is still in hand then ends with it, and comes again."""
        try:
            await self._poll()
        finally:
            if self._batch is not None:
                await end(self._batch)

    async def _poll(self) -> None:
        rest = 0.0
        webhook_gone = False
        while not self._stopping:
            try:
                if not webhook_gone:
                    await self._bot.delete_webhook()
                    webhook_gone = True
                await self._once()
            except (AiogramError, OSError, TimeoutError, NotTaken, Unnumbered) as error:
                # A webhook that somebody set meanwhile is a conflict too.
                webhook_gone = webhook_gone and not isinstance(error, TelegramConflictError)
                if not rest:
                    log.warning("polling.waiting", error=f"{type(error).__name__}: {error}")
                rest = min(max(rest * 2, _SHORTEST_REST), _LONGEST_REST)
                await asyncio.sleep(max(rest, asked_rest(error)))
            else:
                if rest:
                    log.info("polling.recovered")
                rest = 0.0
        await asyncio.Event().wait()

    async def _once(self) -> None:
        readings = await self._ask(_ASK_SECONDS, _ANSWER_SECONDS)
        if not readings:
            return
        numbers = [reading.number for reading in readings if reading.number is not None]
        self._batch = asyncio.create_task(self._intake.take_all(readings))
        try:
            await self._answer_urgent_while(self._batch)
            await asyncio.shield(self._batch)
        except NotTaken as error:
            # Telegram keeps this one and all after it; those that were handled are known when they come again.
            self._offset = error.number if error.number is not None else self._offset
            raise
        if not numbers:
            raise Unnumbered(f"{len(readings)} updates")
        self._offset = max(numbers) + 1

    async def _ask(self, wait: int, answer_within: int, limit: int | None = None) -> list[Reading]:
        """The next updates, each read by itself; whatever is below the offset is confirmed by asking."""
        asked = GetRawUpdates(offset=self._offset, limit=limit, timeout=wait, allowed_updates=self._allowed)
        return [read(body, self._bot) for body in await self._bot(asked, request_timeout=answer_within)]

    async def _answer_urgent_while(self, batch: asyncio.Task[None]) -> None:
        """While a batch takes long, answer questions that arrived since, for which Telegram waits ten seconds.

        Asking here confirms nothing; the next batch has them again, and they are known then.
        """
        taken: dict[int, asyncio.Task[None]] = {}
        while not batch.done():
            await asyncio.wait([batch], timeout=_LOOK_SECONDS)
            if batch.done():
                break
            try:
                waiting = [reading.update for reading in await self._ask(0, _LOOK_ANSWER_SECONDS)]
            except (AiogramError, OSError, TimeoutError) as error:
                log.info("polling.not_looked", error=repr(error))
                continue
            for update in filter(None, waiting):
                if is_question(update) and update.update_id not in taken:
                    taken[update.update_id] = asyncio.create_task(self._intake.take(update))
        # One of the batch's own is "busy" or known; it is answered there.
        await asyncio.gather(*taken.values(), return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Let the current batch end, then confirm it to Telegram."""
        self._stopping = True
        batch = self._batch
        if batch is not None:
            await asyncio.wait([batch], timeout=seconds)
            # The loop, which waited for the same batch, has its turn now and moves the offset.
            await asyncio.sleep(0)
        if self._offset is not None:
            try:
                await self._ask(0, 3, limit=1)
            except (AiogramError, OSError, TimeoutError) as error:
                log.info("polling.not_confirmed", error=repr(error))
