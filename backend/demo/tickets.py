"""Tickets of the demo: one waits for an answer, one was answered; and a ready answer in three languages."""

from __future__ import annotations

from typing import Final

from backend.bootstrap import Services
from backend.demo.work import NOAH
from backend.identity.types import Actor, Contact
from backend.kernel.text import Locale
from backend.orders.types import OrderFilter
from backend.support.types import ChatPost, TicketFilter

EMMA: Final = Contact(
    telegram_id=700_000_001, first_name="Emma", last_name="Clarke", username="emma_clarke", language_code="en"
)
"""One of the simulator's people."""
_GREETING: Final[dict[str, str]] = {
    Locale.EN: "Hello {name}, thank you for writing. We are looking into order {order} now.",
    Locale.AR: "مرحبًا {name}، شكرًا على رسالتك. نراجع الطلب {order} الآن.",
    Locale.RU: "Здравствуйте, {name}! Спасибо за сообщение. Сейчас проверяем заказ {order}.",
}


async def load_demo_tickets(services: Services, root: Actor) -> None:
    """Have both written, once; a second start changes nothing."""
    support = services.support
    await services.identity.access.authenticate(EMMA)
    noah = await services.identity.access.authenticate(NOAH)
    if not await support.ready.list_all(root):
        await support.ready.save(root, None, 0, "Looking into it", _GREETING)
    # No message of a real chat has a negative id.
    number = (await services.orders.history.list_mine(noah, OrderFilter.ALL, None)).items[0].number
    await support.chat.receive(EMMA.telegram_id, ChatPost(message_id=-1, text="Hi! Can I get a key for two devices?"))
    asked = ChatPost(message_id=-1, text=f"When will my logo be ready? The order is {number}.")
    if not (await support.chat.receive(NOAH.telegram_id, asked)).new:
        return
    rows = (await support.tickets.list_page(root, TicketFilter.OPEN, None)).items
    ticket = next(row.ticket for row in rows if row.ticket.user_id == noah.id)
    await support.tickets.answer(root, ticket.id, "Tomorrow by noon. We will send it here.", "demo-answer-0001")
