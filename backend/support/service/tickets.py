"""Use cases of the back office: tickets are listed, answered, given to admins and closed; people are written to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import Numbering, OrderId, UserId, number_signs, parse_number_part, parse_short_number
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import plain_signs, searched
from backend.orders import domain as orders
from backend.support import rules
from backend.support.domain import texts, threads
from backend.support.errors import BotBlocked
from backend.support.repository import messages, tickets
from backend.support.repository.tickets import LastTicket, TicketKey
from backend.support.types import (
    TICKET_TOPIC,
    ChatPost,
    FirstAnswers,
    Reach,
    SupportMessageId,
    SupportShown,
    Thread,
    Ticket,
    TicketClosed,
    TicketCounts,
    TicketFilter,
    TicketHandedOver,
    TicketId,
    TicketRow,
    TicketState,
)

_PAGE: Final = 30
_NAMED: Final = 20
_FIGURES_OF: Final = timedelta(days=30)
_LETTER: Final = "T"
_SHORTEST_PART: Final = 2


class TicketsService:
    """Conversations with customers, for admins with the permission for tickets; Forbidden is raised to all others."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    async def list_page(self, actor: Actor, chosen: TicketFilter, cursor: str | None) -> Page[TicketRow]:
        """Tickets with their last messages: who waits for longest comes first; of closed ones, the latest."""
        actor.require(Permission.TICKETS)
        after = decode_cursor(cursor, TicketKey) if cursor else None
        async with self._uow.read() as tx:
            rows = await tickets.list_page(tx, chosen, actor.id, after, _PAGE + 1)
            shown = await self._rows(tx, rows[:_PAGE])
        if len(rows) <= _PAGE:
            return Page(shown)
        last = shown[-1].ticket
        return Page(shown, encode_cursor(TicketKey(last.state_since, last.id)))

    async def list_of(self, actor: Actor, user_id: UserId) -> list[TicketRow]:
        """The latest tickets of one person."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            return await self._rows(tx, await tickets.list_of_person(tx, user_id, _NAMED))

    async def find(self, actor: Actor, query: str) -> list[TicketRow]:
        """The latest tickets of which ``query`` is the number, a part of it, or the person; at most twenty."""
        actor.require(Permission.TICKETS)
        plain = searched(query)
        if len(plain) < _SHORTEST_PART:
            return []
        signs = plain_signs(plain)
        prefixed = signs.startswith(f"{_LETTER}-")
        part = parse_number_part(signs.removeprefix(f"{_LETTER}-"), first=True) if prefixed else None
        sequence = parse_short_number(number_signs(plain, _LETTER), Numbering.TICKETS)
        async with self._uow.read() as tx:
            people = [] if prefixed else await identity.find_users(tx, plain, _NAMED)
            return await self._rows(tx, await tickets.list_named(tx, sequence, part, people, _NAMED))

    async def counts(self, actor: Actor) -> TicketCounts:
        """How many tickets are not closed, and since when the oldest open one waits."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            return await tickets.count(tx, actor.user_id)

    async def figures(self, actor: Actor) -> FirstAnswers:
        """How fast tickets were first answered in the last 30 days, and how they were rated."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            return await tickets.first_answers(tx, tx.now - _FIGURES_OF)

    async def get(self, actor: Actor, ticket_id: TicketId, before: SupportMessageId | None = None) -> Thread:
        """A ticket with its latest messages, or those before ``before``. Raises NotFound."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            return await threads.load(tx, self._ring, await tickets.get(tx, ticket_id), before)

    async def reach(self, actor: Actor, user_id: UserId) -> Reach:
        """Whether the shop can write to a person. Raises NotFound."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            recipient = await identity.get_recipient(tx, user_id)
            names = await identity.user_names(tx, [user_id])
            ticket = await tickets.find_active(tx, user_id)
        return Reach(
            name=names.get(user_id) or str(recipient.telegram_id),
            language=recipient.language,
            blocked_bot=recipient.blocked_bot,
            ticket_id=ticket.id if ticket else None,
        )

    def preview(self, actor: Actor, text: str) -> str:
        """The text as it will be sent. Raises Invalid for one that is empty or longer than Telegram takes."""
        actor.require(Permission.TICKETS)
        return rules.check_text(text)

    async def colleagues(self, actor: Actor) -> list[UserId]:
        """The admins who may answer tickets."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            return [admin.user_id for admin in await identity.list_admins(tx, Permission.TICKETS)]

    @retry_conflicts
    async def write(self, actor: Actor, user_id: UserId, text: str, intent: str, order_number: str = "") -> TicketId:
        """Send a message to a person's chat, in their ticket; with the same ``intent`` it is sent once.

        An order of theirs with ``order_number`` is attached.

        Raises NotFound, BotBlocked, and Invalid for a text that is empty or longer than Telegram takes.
        """
        actor.require(Permission.TICKETS)
        cleaned = rules.check_text(text)
        async with self._uow() as tx:
            order_id = await orders.find_named(tx, user_id, order_number)
            return await self._send(tx, actor, user_id, cleaned, intent, order_id)

    @retry_conflicts
    async def answer(self, actor: Actor, ticket_id: TicketId, text: str, intent: str) -> TicketId:
        """Answer a ticket, or the one that its customer has opened since; with the same ``intent`` only once.

        Raises NotFound, BotBlocked, and Invalid for a text that is empty or longer than Telegram takes.
        """
        actor.require(Permission.TICKETS)
        cleaned = rules.check_text(text)
        async with self._uow() as tx:
            ticket = await tickets.get(tx, ticket_id)
            return await self._send(tx, actor, ticket.user_id, cleaned, intent, None)

    @retry_conflicts
    async def take(self, actor: Actor, ticket_id: TicketId) -> None:
        """Make the actor the one who answers a ticket. Raises NotFound."""
        await self._assign(actor, ticket_id, actor.id)

    @retry_conflicts
    async def hand_over(self, actor: Actor, ticket_id: TicketId, to_id: UserId) -> None:
        """Give a ticket to another admin, who is told. Raises NotFound, and Invalid for who may not answer it."""
        await self._assign(actor, ticket_id, to_id)

    @retry_conflicts
    async def close(self, actor: Actor, ticket_id: TicketId) -> None:
        """Close a ticket; the first time, the customer is asked to rate it. Raises NotFound."""
        actor.require(Permission.TICKETS)
        async with self._uow() as tx:
            ticket = await tickets.get(tx, ticket_id, locked=True)
            if ticket.state is TicketState.CLOSED:
                return
            await self._change(tx, actor, ticket, "tickets.close", _entered(tx, TicketState.CLOSED))
            if ticket.asked_at is not None and await tickets.ask_rating(tx, ticket_id):
                tx.emit(TicketClosed(ticket_id=ticket_id, user_id=ticket.user_id))

    @retry_conflicts
    async def reopen(self, actor: Actor, ticket_id: TicketId) -> TicketId:
        """Open a closed ticket again, or return the one that the customer has opened since. Raises NotFound."""
        actor.require(Permission.TICKETS)
        async with self._uow() as tx:
            person = (await tickets.get(tx, ticket_id)).user_id
            await messages.lock_person(tx, person)
            active = await tickets.find_active(tx, person)
            if active is not None:
                return active.id
            ticket = await tickets.get(tx, ticket_id, locked=True)
            await self._change(tx, actor, ticket, "tickets.reopen", _entered(tx, TicketState.OPEN))
            return ticket_id

    async def show_in_chat(self, actor: Actor, ticket_id: TicketId, message_id: SupportMessageId) -> None:
        """Have a message of a ticket copied to the actor's own chat, where its photo or file can be seen.

        Raises NotFound.
        """
        actor.require(Permission.TICKETS)
        async with self._uow() as tx:
            message = (await messages.get(tx, message_id)).message
            if message.ticket_id != ticket_id or message.chat_id is None:
                raise NotFound(f"message {message_id} of ticket {ticket_id}")
            tx.emit(SupportShown(message_id=message_id, admin_id=actor.id))

    async def _send(
        self, tx: Tx, actor: Actor, user_id: UserId, text: str, intent: str, order_id: OrderId | None
    ) -> TicketId:
        sent = await messages.find_intended(tx, actor.id, intent)
        if sent is not None and sent.ticket_id is not None:
            return sent.ticket_id
        if (await identity.get_recipient(tx, user_id)).blocked_bot:
            raise BotBlocked(f"user {user_id}")
        message = await threads.answer(tx, self._ring, user_id, actor.id, order_id, ChatPost(text=text), intent=intent)
        message = message or await messages.find_intended(tx, actor.id, intent)
        if message is None or message.ticket_id is None:
            raise NotFound(f"the message of {intent}")
        subject = f"user:{user_id}"
        await audit.record(tx, actor.user_id, "tickets.write", subject, {"message": str(message.id)})
        return message.ticket_id

    async def _assign(self, actor: Actor, ticket_id: TicketId, to_id: UserId) -> None:
        actor.require(Permission.TICKETS)
        async with self._uow() as tx:
            ticket = await tickets.get(tx, ticket_id, locked=True)
            if ticket.assignee_id == to_id:
                return
            if not await identity.holds(tx, to_id, Permission.TICKETS):
                raise Invalid("they may not answer tickets", fields={"to": "invalid"})
            await self._change(tx, actor, ticket, "tickets.assign", {"assignee_id": to_id})
            if to_id != actor.id:
                tx.emit(TicketHandedOver(ticket_id=ticket_id, to_id=to_id, by_id=actor.id))

    @staticmethod
    async def _change(tx: Tx, actor: Actor, ticket: Ticket, action: str, values: dict[str, Any]) -> None:
        await tickets.change(tx, ticket.id, values)
        facts = {name: str(value) for name, value in values.items() if name != "state_since"}
        await audit.record(tx, actor.user_id, action, f"ticket:{ticket.id}", facts)
        tx.signal(TICKET_TOPIC, ticket.id)

    async def _rows(self, tx: Tx, rows: Sequence[LastTicket]) -> list[TicketRow]:
        last = await messages.list_by_id(tx, [row.message_id for row in rows if row.message_id])
        shown = []
        for row in rows:
            stored = last.get(row.message_id) if row.message_id else None
            text = await texts.open_text(tx, self._ring, stored) if stored else ""
            shown.append(
                TicketRow(
                    ticket=row.ticket,
                    text=rules.snippet(text or ""),
                    kind=stored.message.kind if stored else "",
                    by_customer=stored is not None and not stored.message.is_answer,
                )
            )
        return shown


def _entered(tx: Tx, state: TicketState) -> dict[str, Any]:
    return {"state": state.value, "state_since": tx.now}
