"""The bot's queue of updates: getUpdates with its offsets, and webhooks with secret and retry."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from bot.simulator.errors import ApiError
from bot.simulator.live import Signal
from bot.simulator.model import Snapshot
from bot.simulator.telegram_types import Update

_log = logging.getLogger(__name__)
_LONGEST_WAIT = 60.0
_REQUEST_SECONDS = 60.0
# Telegram leaves these out unless the bot asks for them by name.
_ONLY_ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})

WebhookReply = Callable[[str, bytes], Awaitable[None]]


class UpdateQueue:
    """Pending updates, in order; the snapshot owns them, so that a restart keeps what was not fetched."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        clock: Callable[[], float],
        retry_seconds: float,
        reply: WebhookReply,
        saved: Callable[[], None],
    ) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._reply = reply
        self._saved = saved
        self._arrived = Signal()
        self._poll = 0
        self._closed = False
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def push(self, kind: str, payload: dict[str, Any], order_key: int) -> int | None:
        """Queue an update and return its id; None where the bot did not ask for this kind."""
        state = self._snapshot()
        allowed = state.bot.allowed_updates
        if (kind not in allowed) if allowed else (kind in _ONLY_ON_REQUEST):
            return None
        update = Update(update_id=state.next_update_id, kind=kind, payload=payload, order_key=order_key)
        state.next_update_id += 1
        state.updates.append(update)
        self._arrived.set()
        self.deliver()
        return update.update_id

    async def fetch(self, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        """Answer getUpdates: confirm what is below `offset`, wait up to `seconds` for something new.

        Raises 409 where a webhook is set, or where a later getUpdates takes over.
        """
        state = self._snapshot()
        if state.bot.webhook.url:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._poll += 1
        mine = self._poll
        self._arrived.set()
        if offset < 0:
            state.updates[:] = state.updates[offset:]
        elif offset > 0:
            state.updates[:] = [update for update in state.updates if update.update_id >= offset]
        self._saved()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(max(seconds, 0), _LONGEST_WAIT)
        while not state.updates and not self._closed and loop.time() < deadline:
            await self._arrived.wait(deadline - loop.time())
            state = self._snapshot()
            if self._poll != mine:
                raise ApiError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )
        return [as_json(update) for update in state.updates[:limit]]

    def clear(self) -> None:
        """Forget all pending updates (drop_pending_updates)."""
        self._snapshot().updates.clear()

    def deliver(self) -> None:
        """Start posting pending updates to the webhook: one at a time for each chat, as Telegram does."""
        state = self._snapshot()
        hook = state.bot.webhook
        if not hook.url or self._closed:
            return
        for update in state.updates:
            if len(self._tasks) >= hook.max_connections:
                return
            if update.order_key in self._busy:
                continue
            self._busy.add(update.order_key)
            task = asyncio.get_running_loop().create_task(self._post_until_done(update))
            self._tasks.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and not self._closed:
            self.deliver()

    async def _post_until_done(self, update: Update) -> None:
        try:
            delay = self._retry_seconds
            while not self._closed:
                state = self._snapshot()
                if not state.bot.webhook.url or update not in state.updates:
                    return
                if await self._post(update):
                    if update in state.updates:
                        state.updates.remove(update)
                    self._saved()
                    return
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_WAIT)
        finally:
            self._busy.discard(update.order_key)

    async def _post(self, update: Update) -> bool:
        hook = self._snapshot().bot.webhook
        headers = {"Content-Type": "application/json"}
        if hook.secret_token:
            headers["X-Telegram-Bot-Api-Secret-Token"] = hook.secret_token
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_REQUEST_SECONDS))
        try:
            async with self._session.post(
                hook.url, data=msgspec.json.encode(as_json(update)), headers=headers, allow_redirects=False
            ) as response:
                body = await response.read()
                status, content_type = response.status, response.headers.get("Content-Type", "")
        except (TimeoutError, aiohttp.ClientError) as error:
            problem = "Connection timed out" if isinstance(error, TimeoutError) else "Connection refused"
        else:
            if 200 <= status < 300:
                if body:
                    await self._reply(content_type, body)
                return True
            phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
            problem = f"Wrong response from the webhook: {status} {phrase}"
        hook.last_error_date, hook.last_error_message = int(self._clock()), problem
        _log.warning("webhook: %s", problem)
        return False

    async def close(self) -> None:
        """Stop delivering, end long polls; what is pending stays in the snapshot."""
        self._closed = True
        self._arrived.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()


def as_json(update: Update) -> dict[str, Any]:
    """Return the update as the Bot API's Update object."""
    return {"update_id": update.update_id, update.kind: update.payload}
