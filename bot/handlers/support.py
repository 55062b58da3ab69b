"""Support: what people write to the bot reaches the admins, and what an admin replies reaches the person."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from aiogram import Bot, F, Router
from aiogram.enums import ContentType
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, ForceReply, Message

from backend.identity.types import Actor, Permission
from backend.infra.rate_limit import Limit
from backend.kernel.ids import UserId
from backend.notifications.types import ANSWER_PREFIX
from backend.support.types import MOST_STARS, RATE_PREFIX, ChatPost, TicketId
from bot.context import Deps, Words
from bot.handlers.help import paysupport as explain
from bot.keyboards import rows, shop_button
from bot.replies import Once, answer, edit

WRITING: Final = Limit("support", times=30, seconds=600)
BLOCKED_WRITING: Final = Limit("support_blocked", times=5, seconds=3600)
# Sent by a person. Of kinds that bots may not copy, or that aiogram does not know yet, the admins are at least told.
# Telegram's service messages (a pinned message, a granted permission) are left out.
SAID: Final = frozenset(
    {
        ContentType.TEXT,
        ContentType.PHOTO,
        ContentType.VIDEO,
        ContentType.VIDEO_NOTE,
        ContentType.VOICE,
        ContentType.AUDIO,
        ContentType.DOCUMENT,
        ContentType.STICKER,
        ContentType.ANIMATION,
        ContentType.CONTACT,
        ContentType.LOCATION,
        ContentType.VENUE,
        ContentType.POLL,
        ContentType.DICE,
        ContentType.LIVE_PHOTO,
        ContentType.PAID_MEDIA,
        ContentType.STORY,
        ContentType.CHECKLIST,
        ContentType.GAME,
        ContentType.INVOICE,
        ContentType.GIVEAWAY,
        ContentType.GIVEAWAY_WINNERS,
        ContentType.RICH_MESSAGE,
        ContentType.UNKNOWN,
    }
)
_COMMAND: Final = "/paysupport"
_ALBUM_SECONDS: Final = 60.0
_LONGEST_PLACEHOLDER: Final = 64


def words_for_support(message: Message) -> str | None:
    """The text or caption of a message to support; None for a command or a service message."""
    if message.content_type not in SAID:
        return None
    if message.text is None or not message.text.startswith("/"):
        return message.text or message.caption or ""
    command, *rest = message.text.split(maxsplit=1)
    return "".join(rest) or None if command.partition("@")[0].lower() == _COMMAND else None


async def write(message: Message, deps: Deps, actor: Actor, words: Words, albums: Once) -> None:
    """Deliver an admin's reply to the customer, and a customer's message to the admins."""
    _ = words.gettext
    replied = message.reply_to_message
    if replied is not None:
        answered = await deps.support.chat.answer(actor, _post(message))
        if answered is not None:
            if answered.new and _speaks_first(message, albums):
                await message.answer(_("Sent to {person}").format(person=words.safe(answered.name)))
            return
    if actor.may(Permission.TICKETS):
        text = _("To answer a customer, reply to their message.")
        await message.answer(text, reply_markup=rows(shop_button(deps, words)))
        return
    await deps.limiter.hit(WRITING, str(actor.telegram_id))
    await _receive(message, deps, words, albums)


async def paysupport(
    message: Message, command: CommandObject, deps: Deps, actor: Actor, words: Words, albums: Once
) -> None:
    """Explain, or deliver the text after the command, such as an order number, to the admins."""
    if command.args:
        await write(message, deps, actor, words, albums)
    else:
        await explain(message, deps, words)


async def write_blocked(message: Message, deps: Deps, words: Words, albums: Once) -> bool:
    """Deliver a blocked customer's message to the admins; False for a command. Raises RateLimited, NotFound."""
    if words_for_support(message) is None:
        return False
    await deps.limiter.hit(BLOCKED_WRITING, str(message.chat.id))
    await _receive(message, deps, words, albums)
    return True


async def _receive(message: Message, deps: Deps, words: Words, albums: Once) -> None:
    received = await deps.support.chat.receive(message.chat.id, _post(message))
    if received.begins and _speaks_first(message, albums):
        await message.answer(words.gettext("Message sent. We'll reply here."))


def _post(message: Message) -> ChatPost:
    replied = message.reply_to_message
    return ChatPost(
        message_id=message.message_id,
        kind=ContentType(message.content_type).value,
        text=words_for_support(message) or "",
        reply_to=replied.message_id if replied else None,
    )


def _speaks_first(message: Message, albums: Once) -> bool:
    """Whether to answer this message: of an album only the first one."""
    group = message.media_group_id
    return group is None or albums.first(f"album:{group}", message.chat.id)


async def begin_answer(query: CallbackQuery, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Ask an admin for a reply to a customer: their reply to this question is delivered."""
    _ = words.gettext
    try:
        customer = UserId(UUID((query.data or "").removeprefix(ANSWER_PREFIX)))
    except ValueError:
        await answer(bot, query, _("This button is too old"))
        return
    name = await deps.support.chat.customer_name(actor, customer)
    await answer(bot, query)
    placeholder = _("Reply to {person}").format(person=name)[:_LONGEST_PLACEHOLDER]
    asked = await bot.send_message(
        actor.telegram_id,
        _("Write your reply to {person}:").format(person=words.safe(name)),
        reply_markup=ForceReply(input_field_placeholder=placeholder),
    )
    await deps.support.chat.expect_answer(actor, customer, asked.message_id)


async def rate(query: CallbackQuery, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Take a customer's rating of their ticket, once."""
    _ = words.gettext
    name, _sep, stars = (query.data or "").removeprefix(RATE_PREFIX).partition(":")
    try:
        ticket_id, given = TicketId(UUID(name)), int(stars)
    except ValueError:
        await answer(bot, query, _("This button is too old"))
        return
    if not await deps.support.chat.rate(actor, ticket_id, given):
        await answer(bot, query, _("You have rated this already."))
        return
    await answer(bot, query)
    rated = _("Thank you! Your rating: {stars} of {most}.")
    await edit(query, rated.format(stars=words.number(given), most=words.number(MOST_STARS)))


def router() -> Router:
    """Its router."""
    routes = Router(name="support")
    routes.message.register(paysupport, Command("paysupport"))
    routes.message.register(write, lambda message: words_for_support(message) is not None)
    routes.callback_query.register(begin_answer, F.data.startswith(ANSWER_PREFIX))
    routes.callback_query.register(rate, F.data.startswith(RATE_PREFIX))
    return routes


def albums() -> Once:
    """Remembers the albums of which one part was answered."""
    return Once(_ALBUM_SECONDS)
