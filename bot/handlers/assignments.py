"""Assignments in the chat: what students send for a lesson, and what teachers reply to it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from aiogram import Bot, F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, Message

from backend.assignments.types import ChatFile, ChatMessage, Edited, FeedbackId
from backend.courses.types import LessonId
from backend.courses.types.schedule import SUBMIT_PREFIX
from backend.identity.types import Actor
from backend.kernel.text import pick
from bot.context import Deps, Words
from bot.handlers.support import words_for_support
from bot.replies import Once, answer, edit

_AGAIN_PREFIX: Final = "again:"
_UNNAMED: Final = {"photo": "photo.jpg", "voice": "voice.ogg", "video_note": "video.mp4", "animation": "animation.mp4"}
"""What files are called that have no name in Telegram."""


async def write(message: Message, deps: Deps, actor: Actor, words: Words, albums: Once) -> None:
    """Take a message about an assignment or a question; all others are support's."""
    taken = await deps.assignments.chat.take(actor, _read(message))
    if taken is None:
        raise SkipHandler
    if taken.feedback is None or not taken.new:
        return
    group = message.media_group_id
    if group is not None and not albums.first(f"feedback:{group}", message.chat.id):
        return
    _ = words.gettext
    again = InlineKeyboardButton(text=_("Ask for another version"), callback_data=f"{_AGAIN_PREFIX}{taken.feedback}")
    markup = InlineKeyboardMarkup(inline_keyboard=[[again]]) if taken.can_ask_again else None
    await message.answer(_("Sent to {person}").format(person=words.safe(taken.name)), reply_markup=markup)


def _read(message: Message) -> ChatMessage:
    replied = message.reply_to_message
    return ChatMessage(
        message_id=message.message_id,
        reply_to=replied.message_id if replied else None,
        album=message.media_group_id,
        text=message.text or message.caption or "",
        file=_file(message),
    )


def _file(message: Message) -> ChatFile | None:
    """What is sent beside text; what bots can't download, such as a place on the map, has no id."""
    if message.text is not None:
        return None
    kind = ContentType(message.content_type).value
    sent = message.photo[-1] if message.photo else getattr(message, kind, None)
    name = getattr(sent, "file_name", None) or _UNNAMED.get(kind, kind)
    return ChatFile(name=name, file_id=getattr(sent, "file_id", None), size=getattr(sent, "file_size", None))


async def edited(message: Message, deps: Deps, actor: Actor, words: Words) -> None:
    """Follow a change of a message about an assignment; of all others nothing is said."""
    _ = words.gettext
    match await deps.assignments.chat.edit(actor, _read(message)):
        case Edited.CORRECTED:
            await message.answer(_("Corrected"))
        case Edited.NOT_FOLLOWED:
            await message.answer(_("This change is not passed on. Send it again as a reply."))


async def begin(query: CallbackQuery, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Ask a student for what they submit: their reply, or else their next message, is it."""
    _ = words.gettext
    try:
        lesson_id = LessonId(UUID((query.data or "").removeprefix(SUBMIT_PREFIX)))
    except ValueError:
        await answer(bot, query, _("This button is too old"))
        return
    lesson = await deps.assignments.chat.open(actor, lesson_id)
    await answer(bot, query)
    text = _("Send your assignment for {lesson}: text, photos, files or a voice message.")
    asked = await bot.send_message(
        actor.telegram_id,
        text.format(lesson=words.safe(pick(lesson.name, words.locale))),
        reply_markup=ForceReply(input_field_placeholder=_("Your answer")),
    )
    await deps.assignments.chat.expect(actor, lesson_id, asked.message_id)


async def ask_again(query: CallbackQuery, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Ask for another version after feedback that was sent."""
    _ = words.gettext
    try:
        feedback = FeedbackId(UUID((query.data or "").removeprefix(_AGAIN_PREFIX)))
    except ValueError:
        await answer(bot, query, _("This button is too old"))
        return
    await deps.assignments.review.ask_again(actor, feedback)
    await answer(bot, query)
    await edit(query, _("You asked for another version"))


def router() -> Router:
    """Its router."""
    routes = Router(name="assignments")
    routes.message.register(write, lambda message: words_for_support(message) is not None)
    routes.edited_message.register(edited)
    routes.callback_query.register(begin, F.data.startswith(SUBMIT_PREFIX))
    routes.callback_query.register(ask_again, F.data.startswith(_AGAIN_PREFIX))
    return routes
