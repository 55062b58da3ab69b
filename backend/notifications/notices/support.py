"""Messages between customers and the shop."""

from __future__ import annotations

import html
from typing import Final
from uuid import UUID

import msgspec

from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.kernel.ids import UserId
from backend.notifications.messages import Words
from backend.notifications.notice import Draft, Notice, Params, admins, person
from backend.notifications.types import ANSWER_PREFIX, Button, Message, Original, SupportUndelivered
from backend.orders import domain as orders
from backend.support import domain as support
from backend.support.types import Subject, SubjectKind, SupportAnswered, SupportAsked, SupportMessage, SupportMessageId

_LONGEST_NAME: Final = 40


async def _support_asked(draft: Draft, params: Params) -> Message:
    message = await support.get_message(draft.tx, SupportMessageId(UUID(params["message_id"])))
    names = await identity.user_names(draft.tx, [message.user_id])
    order = await orders.load_without_keys(draft.tx, message.order_id) if message.order_id else None
    return support_asked(draft.words, message, names.get(message.user_id, ""), order.number if order else None)


def support_asked(words: Words, message: SupportMessage, name: str, order: str | None) -> Message:
    """Copy the customer's own message to an admin, with its sender and a button to reply.

    The text is sent instead when Telegram does not copy the message.
    """
    _ = words.translator.gettext
    who = name[:_LONGEST_NAME] or "—"
    buttons = [words.button(_("From {person}").format(person=who), f"/admin/people/{message.user_id}")]
    if order is not None:
        buttons.append(words.button(_("Order {number}").format(number=order), f"/admin/orders/{order}"))
    buttons.append(Button(_("Reply"), callback=f"{ANSWER_PREFIX}{message.user_id}"))
    head = _("<b>{person} sent something that can't be shown here</b>").format(person=html.escape(who, quote=False))
    why = _("It was deleted, or bots may not copy it.")
    return Message(f"{head}\n{why}", tuple(buttons), original=_original(message), about=_conversation(message.user_id))


async def _support_answer(draft: Draft, params: Params) -> Message:
    message = await support.get_message(draft.tx, SupportMessageId(UUID(params["message_id"])))
    about = _conversation(message.user_id)
    if message.order_id is not None:
        about = Subject(SubjectKind.ORDER, message.order_id, message.user_id)
    return Message("", original=_original(message), about=about)


async def _support_undelivered(draft: Draft, params: Params) -> Message:
    event, words = msgspec.convert(params, SupportUndelivered), draft.words
    _ = words.translator.gettext
    names = await identity.user_names(draft.tx, [event.user_id])
    customer = await identity.get_recipient(draft.tx, event.user_id)
    head = _("<b>Your reply wasn't delivered</b>")
    who = words.person_link(names.get(event.user_id, ""), customer.telegram_id)
    why = _("{person} has blocked the bot or deleted the chat.").format(person=who)
    if event.refused:
        why = _("Bots may not copy this kind of message. Send text, a photo or a file.")
    return Message(f"{head}\n{why}", about=_conversation(event.user_id))


def _undelivered(params: Params, refused: bool) -> SupportUndelivered:
    event = msgspec.convert(params, SupportAnswered)
    return SupportUndelivered(
        message_id=event.message_id, user_id=event.user_id, author_id=event.author_id, refused=refused
    )


def _original(message: SupportMessage) -> Original:
    return Original(message.chat_id, message.message_id)


def _conversation(user_id: UserId) -> Subject:
    return Subject(SubjectKind.SUPPORT, user_id, user_id)


NOTICES: Final = (
    Notice(
        event=SupportAsked,
        kind="support_asked",
        audience=admins(Permission.ORDERS, but=lambda event: {event.user_id}),
        key="support_asked:{message_id}",
        compose=_support_asked,
    ),
    Notice(
        event=SupportAnswered,
        kind="support_answer",
        audience=person(lambda event: event.user_id),
        key="support_answer:{message_id}",
        compose=_support_answer,
        to_blocked=True,
        undelivered=_undelivered,
    ),
    Notice(
        event=SupportUndelivered,
        kind="support_undelivered",
        audience=person(lambda event: event.author_id),
        key="support_undelivered:{message_id}",
        compose=_support_undelivered,
    ),
)
