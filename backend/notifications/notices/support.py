"""Messages between customers and the shop."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.notifications.messages import Words
from backend.notifications.notice import Audience, Draft, Notice, Params, person
from backend.notifications.types import ANSWER_PREFIX, Button, Message, Original, Outcome, SupportUndelivered
from backend.orders import domain as orders
from backend.support import domain as support
from backend.support.types import (
    MOST_STARS,
    RATE_PREFIX,
    Delivery,
    Subject,
    SubjectKind,
    SupportAnswered,
    SupportAsked,
    SupportMessage,
    SupportMessageId,
    SupportShown,
    ThreadMessage,
    TicketClosed,
    TicketHandedOver,
    TicketId,
)

_LONGEST_NAME: Final = 40
_DELIVERIES: Final = {
    Outcome.SENT: Delivery.DELIVERED,
    Outcome.UNREACHABLE: Delivery.BLOCKED,
    Outcome.REFUSED: Delivery.REFUSED,
    Outcome.FAILED: Delivery.FAILED,
}


async def _to_tell(tx: Tx, event: SupportAsked) -> Sequence[UserId]:
    """Who answers the ticket; all admins who may while nobody does, or who does may not any more."""
    message = await support.get_message(tx, event.message_id)
    ticket = await support.get_ticket(tx, message.ticket_id) if message.ticket_id else None
    able = [admin.user_id for admin in await identity.list_admins(tx, Permission.TICKETS)]
    if ticket is not None and ticket.assignee_id in able and ticket.assignee_id != event.user_id:
        return [ticket.assignee_id]
    return [admin for admin in able if admin != event.user_id]


async def _support_asked(draft: Draft, params: Params) -> Message:
    said = await support.open_message(draft.tx, draft.ring, SupportMessageId(UUID(params["message_id"])))
    message = said.message
    names = await identity.user_names(draft.tx, [message.user_id])
    order = await orders.load_without_keys(draft.tx, message.order_id) if message.order_id else None
    return support_asked(draft.words, said, names.get(message.user_id, ""), order.number if order else None)


def support_asked(words: Words, said: ThreadMessage, name: str, order: str | None) -> Message:
    """Copy the customer's own message to an admin, with its sender, its ticket and a button to reply.

    Its text, or what it was, is sent instead when Telegram does not copy the message.
    """
    _ = words.translator.gettext
    message = said.message
    who = name[:_LONGEST_NAME] or "—"
    buttons = [words.button(_("From {person}").format(person=who), f"/admin/people/{message.user_id}")]
    if order is not None:
        buttons.append(words.button(_("Order {number}").format(number=order), f"/admin/orders/{order}"))
    if message.ticket_id is not None:
        buttons.append(_ticket_button(words, message.ticket_id))
    buttons.append(Button(_("Reply"), callback=f"{ANSWER_PREFIX}{message.user_id}"))
    head = _("<b>{person} sent something that can't be shown here</b>").format(person=html.escape(who, quote=False))
    why = _("It was deleted, or bots may not copy it.")
    text = html.escape(said.text, quote=False) if said.text else f"{head}\n{why}"
    return Message(text, tuple(buttons), original=_original(message), about=_conversation(message.user_id))


async def _support_answer(draft: Draft, params: Params) -> Message:
    said = await support.open_message(draft.tx, draft.ring, SupportMessageId(UUID(params["message_id"])))
    message, about = said.message, _conversation(said.message.user_id)
    if message.order_id is not None:
        about = Subject(SubjectKind.ORDER, message.order_id, message.user_id)
    text = html.escape(said.text or "", quote=False) if message.chat_id is None else ""
    return Message(text, original=_original(message), about=about)


async def _support_settled(tx: Tx, params: Params, outcome: Outcome) -> None:
    await support.record_delivery(tx, SupportMessageId(UUID(params["message_id"])), _DELIVERIES[outcome])


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


async def _handed_over(draft: Draft, params: Params) -> Message:
    event, words = msgspec.convert(params, TicketHandedOver), draft.words
    _ = words.translator.gettext
    ticket = await support.get_ticket(draft.tx, event.ticket_id)
    names = await identity.user_names(draft.tx, [ticket.user_id, event.by_id])
    head = _("<b>A ticket is yours now</b>")
    text = _("{admin} gave you the ticket of {person}.").format(
        admin=words.isolated(names.get(event.by_id, "")), person=words.isolated(names.get(ticket.user_id, ""))
    )
    buttons = (_ticket_button(words, ticket.id),)
    return Message(f"{head}\n{text}", buttons, about=_conversation(ticket.user_id))


async def _rating(draft: Draft, params: Params) -> Message | None:
    event, words = msgspec.convert(params, TicketClosed), draft.words
    _ = words.translator.gettext
    ticket = await support.get_ticket(draft.tx, event.ticket_id)
    if ticket.rating is not None:
        return None
    buttons = tuple(
        Button(f"{stars} ★", callback=f"{RATE_PREFIX}{ticket.id}:{stars}", beside=stars > 1)
        for stars in range(1, MOST_STARS + 1)
    )
    head = _("<b>How was our support?</b>")
    text = _("Your question is closed. To add something, just write here.")
    return Message(f"{head}\n{text}", buttons, about=_conversation(ticket.user_id))


def _undelivered(params: Params, refused: bool) -> SupportUndelivered:
    event = msgspec.convert(params, SupportAnswered)
    return SupportUndelivered(
        message_id=event.message_id, user_id=event.user_id, author_id=event.author_id, refused=refused
    )


def _original(message: SupportMessage) -> Original | None:
    if message.chat_id is None or message.message_id is None:
        return None
    return Original(message.chat_id, message.message_id)


def _ticket_button(words: Words, ticket_id: TicketId) -> Button:
    return words.button(words.translator.gettext("Open ticket"), f"/admin/tickets/{ticket_id}")


def _conversation(user_id: UserId) -> Subject:
    return Subject(SubjectKind.SUPPORT, user_id, user_id)


NOTICES: Final = (
    Notice(
        event=SupportAsked,
        kind="support_asked",
        audience=Audience(_to_tell, each=True),
        key="support_asked:{message_id}",
        compose=_support_asked,
    ),
    Notice(
        event=SupportShown,
        kind="support_asked",
        audience=person(lambda event: event.admin_id),
        key="support_shown:{job}",
        compose=_support_asked,
    ),
    Notice(
        event=SupportAnswered,
        kind="support_answer",
        audience=person(lambda event: event.user_id),
        key="support_answer:{message_id}",
        compose=_support_answer,
        to_blocked=True,
        settled=_support_settled,
        undelivered=_undelivered,
    ),
    Notice(
        event=SupportUndelivered,
        kind="support_undelivered",
        audience=person(lambda event: event.author_id),
        key="support_undelivered:{message_id}",
        compose=_support_undelivered,
    ),
    Notice(
        event=TicketHandedOver,
        kind="ticket_handed_over",
        audience=person(lambda event: event.to_id),
        key="ticket_handed_over:{job}",
        compose=_handed_over,
    ),
    Notice(
        event=TicketClosed,
        kind="ticket_rating",
        audience=person(lambda event: event.user_id),
        key="ticket_rating:{ticket_id}",
        compose=_rating,
    ),
)
