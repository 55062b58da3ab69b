"""The words of messages between customers and the shop. Pure: all facts come in as arguments."""

from __future__ import annotations

import html

from backend.kernel.ids import UserId
from backend.notifications.messages import Words
from backend.notifications.money_messages import person_link
from backend.notifications.types import ANSWER_PREFIX, Button, Message, Original
from backend.support.types import Subject, SubjectKind, SupportMessage

_LONGEST_NAME = 40


def support_asked(words: Words, message: SupportMessage, name: str, order: str | None) -> Message:
    """To an admin: the customer's own message, whatever it is, with who wrote it and a button to answer."""
    _ = words.translator.gettext
    who = name[:_LONGEST_NAME] or "—"
    buttons = [words.button(_("From {person}").format(person=who), f"/admin/people/{message.user_id}")]
    if order is not None:
        buttons.append(words.button(_("Order {number}").format(number=order), f"/admin/orders/{order}"))
    buttons.append(Button(_("Reply"), callback=f"{ANSWER_PREFIX}{message.user_id}"))
    head = _("<b>{person} sent something that can't be shown here</b>").format(person=html.escape(who, quote=False))
    why = _("It was deleted, or bots may not copy it.")
    return Message(f"{head}\n{why}", tuple(buttons), original=_original(message), about=_conversation(message.user_id))


def support_answer(message: SupportMessage) -> Message:
    """To a customer: the admin's own message. A reply to it goes on with the conversation, or with its order."""
    about = _conversation(message.user_id)
    if message.order_id is not None:
        about = Subject(SubjectKind.ORDER, message.order_id, message.user_id)
    return Message("", original=_original(message), about=about)


def support_undelivered(
    words: Words, name: str, telegram_id: int, user_id: UserId, *, refused: bool = False
) -> Message:
    """To the admin whose answer did not reach the customer; ``refused``: Telegram does not have it copied."""
    _ = words.translator.gettext
    head = _("<b>Your reply wasn't delivered</b>")
    why = _("{person} has blocked the bot or deleted the chat.").format(person=person_link(name, telegram_id))
    if refused:
        why = _("Bots may not copy this kind of message. Send text, a photo or a file.")
    return Message(f"{head}\n{why}", about=_conversation(user_id))


def _original(message: SupportMessage) -> Original:
    return Original(message.chat_id, message.message_id)


def _conversation(user_id: UserId) -> Subject:
    return Subject(SubjectKind.SUPPORT, user_id, user_id)
