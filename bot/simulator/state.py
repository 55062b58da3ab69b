"""The simulated Telegram in one place: memory, clock, queue of updates, and what pages hear of it."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec

from bot.simulator.config import SimulatorConfig
from bot.simulator.errors import bad_request, forbidden
from bot.simulator.faults import Faults
from bot.simulator.limits import RateLimit
from bot.simulator.live import Live, Signal
from bot.simulator.model import Group, Persona, Snapshot, StoredFile, default_personas, demo_group
from bot.simulator.store import Store
from bot.simulator.telegram_types import Chat, Message, User
from bot.simulator.updates import UpdateQueue

_OPEN_QUERIES = 1000


class World:
    """Everything that a request needs; plain data is in `data`, which is what the state file holds."""

    def __init__(self, config: SimulatorConfig, clock: Callable[[], float] = time.time) -> None:
        self.config = config
        self.clock = clock
        self.store = Store(config.state_path)
        loaded = self.store.load()
        self.data = loaded or Snapshot(personas=default_personas(config.root_admin_id))
        self._add_demo_group()
        self.live = Live()
        self.faults = Faults()
        self.limit = RateLimit(enabled=config.rate_limited)
        self.calls: list[dict[str, Any]] = []
        self.answers: dict[str, dict[str, Any] | None] = {}
        self.prepared: dict[str, dict[str, Any]] = {}
        self.answered = Signal()
        self.webhook_reply: Callable[[str, bytes], Any] | None = None
        self.updates = UpdateQueue(
            lambda: self.data, clock, config.webhook_retry_seconds, self._reply_from_webhook, self.saved
        )

    async def _reply_from_webhook(self, content_type: str, body: bytes) -> None:
        if self.webhook_reply is not None:
            await self.webhook_reply(content_type, body)

    def _add_demo_group(self) -> None:
        group = demo_group(self.config.root_admin_id)
        if self.config.demo_group and group.id not in self.data.groups:
            self.data.groups[group.id] = group

    def now(self) -> int:
        """Return the time in Unix seconds."""
        return int(self.clock())

    def saved(self) -> None:
        """Ask for the memory to be written soon."""
        self.store.save_soon(lambda: self.data)

    def bot_user(self) -> User:
        """Return the bot as a User object."""
        config = self.config
        return User(id=config.bot_id, is_bot=True, first_name=config.bot_name, username=config.bot_username)

    def reset(self) -> None:
        """Forget chats, payments and files; the people are the first five again.

        What a bot sets once when it starts (webhook, commands, default menu button, texts) stays.
        """
        bot = self.data.bot
        bot.menu_buttons = {chat_id: button for chat_id, button in bot.menu_buttons.items() if chat_id == 0}
        self.data = Snapshot(
            personas=default_personas(self.config.root_admin_id), bot=bot, next_update_id=self.data.next_update_id
        )
        self._add_demo_group()
        self.calls.clear()
        self.answers.clear()
        self.prepared.clear()
        self.faults.clear()
        self.live.tell("reset")
        self.saved()

    # People and chats

    def persona(self, persona_id: int) -> Persona | None:
        """Return the person with this Telegram id, or None."""
        return self.data.personas.get(persona_id)

    def destination(self, chat_id: Any) -> Chat:
        """Resolve a chat that the bot writes to.

        Raises 400 "chat not found", 403 where the person blocked the bot or never started it.
        """
        try:
            number = int(chat_id)
        except (TypeError, ValueError):
            raise bad_request("chat not found") from None
        group = self.data.groups.get(number)
        if group is not None:
            return group.chat()
        persona = self.data.personas.get(number)
        if persona is None:
            raise bad_request("chat not found")
        if persona.blocked:
            raise forbidden("bot was blocked by the user")
        if not persona.started and not persona.allows_write:
            raise forbidden("bot can't initiate conversation with a user")
        return persona.chat()

    def group(self, chat_id: Any) -> Group:
        """Return the group with this id; raises 400 "chat not found"."""
        try:
            return self.data.groups[int(chat_id)]
        except (TypeError, ValueError, KeyError):
            raise bad_request("chat not found") from None

    # Messages

    def new_message_id(self) -> int:
        """Take the next message id."""
        taken = self.data.next_message_id
        self.data.next_message_id += 1
        return taken

    def messages(self, chat_id: int) -> dict[int, Message]:
        """Return a chat's messages by id, oldest first."""
        return self.data.messages.setdefault(chat_id, {})

    def put_message(self, message: Message) -> None:
        """Keep a new or changed message and show it to the pages."""
        self.messages(message.chat.id)[message.message_id] = message
        self.live.tell("message", chat_id=message.chat.id, message_id=message.message_id)
        self.saved()

    def message_json(self, message: Message) -> dict[str, Any]:
        """Return the Bot API's Message object, with the message that it answers."""
        result: dict[str, Any] = msgspec.to_builtins(message)
        replied_id = result.pop("reply_to_id", None)
        replied = self.messages(message.chat.id).get(replied_id) if replied_id else None
        if replied is not None:
            inner: dict[str, Any] = msgspec.to_builtins(replied)
            inner.pop("reply_to_id", None)
            result["reply_to_message"] = _without_reply_keyboard(inner)
        return _without_reply_keyboard(result)

    def say(self, message: Message) -> None:
        """Keep a message from a person or of the service, and send it to the bot as an update."""
        self.put_message(message)
        self.updates.push("message", self.message_json(message), message.chat.id)

    # Files

    def add_file(self, name: str, mime_type: str, content: bytes, folder: str) -> StoredFile:
        """Keep a file and return its record."""
        unique = secrets.token_hex(8)
        number = len(self.data.files)
        suffix = name.rpartition(".")[2] if "." in name else "bin"
        stored = StoredFile(
            file_id=f"BQACAgIAAxk{secrets.token_urlsafe(24)}",
            file_unique_id=unique,
            file_path=f"{folder}/file_{number}.{suffix}",
            name=name,
            mime_type=mime_type,
            size=len(content),
        )
        self.store.put_blob(unique, content)
        self.data.files[stored.file_id] = stored
        self.saved()
        return stored

    # Queries that wait for the bot's answer

    def expect_answer(self) -> str:
        """Return the id of a new query; the bot may answer it until `_OPEN_QUERIES` newer ones have come."""
        query_id = str(secrets.randbelow(9 * 10**17) + 10**17)
        self.answers[query_id] = None
        for oldest in list(self.answers)[:-_OPEN_QUERIES]:
            del self.answers[oldest]
        return query_id

    async def wait_for_answer(self, query_id: str, seconds: float) -> dict[str, Any] | None:
        """Wait at most `seconds` for the bot's answer to a query; None where it stayed silent."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self.answers.get(query_id) is None and loop.time() < deadline:
            await self.answered.wait(deadline - loop.time())
        return self.answers.get(query_id)

    # Settings that the bot made

    def commands_for(self, persona: Persona) -> list[dict[str, Any]]:
        """Return the commands that this person sees: the narrowest scope first, their language before any."""
        for scope in (f"chat:{persona.id}", "all_private_chats", "default"):
            for language in (persona.language_code, ""):
                commands = self.data.bot.commands.get(f"{scope}|{language}")
                if commands:
                    return commands
        return []

    def menu_button_for(self, persona_id: int) -> dict[str, Any]:
        """Return the menu button of a private chat: its own, else the default one."""
        buttons = self.data.bot.menu_buttons
        button = buttons.get(persona_id)
        if button is None or button["type"] == "default":
            button = buttons.get(0, {"type": "commands"})
        return button if button["type"] != "default" else {"type": "commands"}

    def remember_call(self, method: str, params: dict[str, Any]) -> None:
        """Keep the last 500 calls of the bot for tests to look at."""
        self.calls.append({"method": method, "params": params, "date": self.now()})
        del self.calls[:-500]

    async def close(self) -> None:
        """End streams and deliveries, write the state file."""
        self.live.close()
        await self.updates.close()
        self.store.close(self.data)


def _without_reply_keyboard(message: dict[str, Any]) -> dict[str, Any]:
    """A Message without a keyboard below the text field: Telegram tells of buttons below messages only."""
    if "inline_keyboard" not in message.get("reply_markup", {"inline_keyboard": []}):
        del message["reply_markup"]
    return message
