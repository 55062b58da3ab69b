"""Tickets: one for a conversation, whatever happens at once; its text is the customer's own to be erased."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import UserId
from backend.support import domain
from backend.support.errors import BotBlocked
from backend.support.types import ChatPost, Delivery, Thread, TicketFilter, TicketState
from tests.factories.identity import contact
from tests.factories.shop import add_goods
from tests.fakes.clock import FakeClock

EMMA, LAYLA, NADIA, OMAR = 501, 502, 503, 504


async def person(services: Services, number: int, *permissions: Permission) -> Actor:
    access = services.identity.access
    actor = await access.authenticate(contact(number, first_name=f"Person {number}", language_code="en"))
    if permissions:
        chief = await access.actor_by_telegram_id(services.settings.root_admin_id)
        assert chief is not None
        await services.identity.admins.set_permissions(chief, actor.id, permissions)
        again = await access.actor_by_telegram_id(number)
        assert again is not None
        return again
    return actor


async def says(services: Services, number: int, words: str, message_id: int, reply_to: int | None = None) -> None:
    await services.support.chat.receive(number, ChatPost(message_id=message_id, text=words, reply_to=reply_to))


async def only(services: Services, admin: Actor, chosen: TicketFilter = TicketFilter.OPEN) -> Thread:
    """The one ticket of a list, with its messages."""
    (row,) = (await services.support.tickets.list_page(admin, chosen, None)).items
    return await services.support.tickets.get(admin, row.ticket.id)


async def test_what_is_written_is_one_ticket_with_its_texts(services: Services) -> None:
    emma, nadia = await person(services, EMMA), await person(services, NADIA, Permission.TICKETS)
    long = "x" * 4000 + "\nlast line"
    for number, words in enumerate(["My key does not work", "Hello?", long], start=1):
        await says(services, EMMA, words, number)
    thread = await only(services, nadia)
    assert thread.ticket.user_id == emma.id
    assert [one.text for one in thread.messages] == ["My key does not work", "Hello?", long]
    assert thread.ticket.state is TicketState.OPEN
    async with services.uow.read() as tx:
        stored = (await tx.execute(text("SELECT sealed FROM support_messages"))).scalars().all()
    assert not any(b"key" in sealed or b"last line" in sealed for sealed in stored)


async def test_many_messages_at_once_open_one_ticket(services: Services) -> None:
    await person(services, EMMA)
    nadia = await person(services, NADIA, Permission.TICKETS)
    await asyncio.gather(*(says(services, EMMA, f"message {one}", one) for one in range(1, 11)))
    await asyncio.gather(*(says(services, EMMA, "message 1", 1) for _ in range(5)))
    assert len((await only(services, nadia)).messages) == 10


async def test_two_admins_answer_at_once_and_a_double_tap_sends_once(services: Services) -> None:
    await person(services, EMMA)
    nadia, omar = [await person(services, number, Permission.TICKETS) for number in (NADIA, OMAR)]
    await says(services, EMMA, "hello", 1)
    ticket = (await only(services, nadia)).ticket
    answer = services.support.tickets.answer
    taps = [(nadia, "Nadia here", "tap-nadia-1"), (omar, "Omar here", "tap-omar-01")] * 4
    await asyncio.gather(*(answer(admin, ticket.id, words, intent) for admin, words, intent in taps))
    thread = await services.support.tickets.get(nadia, ticket.id)
    assert sorted(one.text or "" for one in thread.messages) == ["Nadia here", "Omar here", "hello"]
    assert thread.ticket.state is TicketState.WAITING
    assert thread.ticket.assignee_id in {nadia.id, omar.id}
    async with services.uow.read() as tx:
        jobs = "SELECT count(*) FROM outbox_jobs WHERE task = 'notifications.support_answered'"
        assert (await tx.execute(text(jobs))).scalar_one() == 2


async def test_time_to_first_answer_is_counted_once(services: Services, clock: FakeClock) -> None:
    await person(services, EMMA)
    nadia = await person(services, NADIA, Permission.TICKETS)
    await says(services, EMMA, "hello", 1)
    clock.move(minutes=12)
    ticket = (await only(services, nadia)).ticket
    await services.support.tickets.answer(nadia, ticket.id, "Hi!", "answer-0001")
    clock.move(minutes=60)
    await services.support.tickets.answer(nadia, ticket.id, "Still there?", "answer-0002")
    figures = await services.support.tickets.figures(nadia)
    assert (figures.answered, figures.median) == (1, timedelta(minutes=12))


async def test_a_closed_ticket_is_rated_once_and_reopens(services: Services, clock: FakeClock) -> None:
    emma, layla = await person(services, EMMA), await person(services, LAYLA)
    nadia = await person(services, NADIA, Permission.TICKETS)
    await says(services, EMMA, "hello", 1)
    support = services.support
    ticket = (await only(services, nadia)).ticket
    await asyncio.gather(*(support.tickets.close(nadia, ticket.id) for _ in range(3)))
    assert not await support.chat.rate(layla, ticket.id, 5)
    assert not await support.chat.rate(emma, ticket.id, 6)
    taps = await asyncio.gather(*(support.chat.rate(emma, ticket.id, stars) for stars in (1, 2, 3, 4, 5)))
    assert taps.count(True) == 1
    await says(services, EMMA, "one more thing", 2)
    thread = await only(services, nadia)
    assert (thread.ticket.id, thread.ticket.state) == (ticket.id, TicketState.OPEN)
    assert [one.text for one in thread.messages] == ["hello", "one more thing"]
    await support.tickets.close(nadia, ticket.id)
    async with services.uow.read() as tx:
        jobs = "SELECT count(*) FROM outbox_jobs WHERE task = 'notifications.ticket_closed'"
        assert (await tx.execute(text(jobs))).scalar_one() == 1
    clock.move(days=20)
    await says(services, EMMA, "another question", 3)
    assert (await only(services, nadia)).ticket.id != ticket.id
    opened = (await only(services, nadia)).ticket.id
    assert await support.tickets.reopen(nadia, ticket.id) == opened


async def test_erasing_the_key_erases_both_sides(services: Services) -> None:
    emma, nadia = await person(services, EMMA), await person(services, NADIA, Permission.TICKETS)
    await person(services, LAYLA)
    await says(services, EMMA, "my secret", 1)
    await says(services, LAYLA, "stays", 2)
    await services.support.tickets.write(nadia, emma.id, "your secret", "write-00001")
    async with services.uow() as tx:
        await domain.destroy_texts(tx, services.ring, emma.id)
    thread = await only(services, nadia, TicketFilter.WAITING)
    assert [one.text for one in thread.messages] == [None, None]
    assert [one.text for one in (await only(services, nadia)).messages] == ["stays"]
    await says(services, EMMA, "again", 3)  # what is written afterwards has a key of its own
    rows = (await services.support.tickets.list_page(nadia, TicketFilter.OPEN, None)).items
    assert "again" in {row.text for row in rows}


async def test_an_order_is_attached_only_to_its_buyers_ticket(services: Services) -> None:
    emma, layla = await person(services, EMMA), await person(services, LAYLA)
    nadia = await person(services, NADIA, Permission.TICKETS)
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, price=0)
    number = (await services.orders.checkout.place(emma, goods.variant_id, 1, "tap-0000001")).number
    write = services.support.tickets.write
    theirs = await services.support.tickets.get(nadia, await write(nadia, emma.id, "Hi", "write-00001", number))
    other = await services.support.tickets.get(nadia, await write(nadia, layla.id, "Hi", "write-00002", number))
    assert (theirs.order_number, other.order_number) == (number, None)


async def test_writing_first_waits_for_the_customer_and_counts_no_answer(services: Services) -> None:
    emma, nadia = await person(services, EMMA), await person(services, NADIA, Permission.TICKETS)
    await services.support.tickets.write(nadia, emma.id, "Your parcel is ready", "write-00001")
    thread = await only(services, nadia, TicketFilter.WAITING)
    assert thread.ticket.asked_at is None
    assert [one.message.delivery for one in thread.messages] == [Delivery.PENDING]
    assert (await services.support.tickets.figures(nadia)).answered == 0
    await services.support.tickets.close(nadia, thread.ticket.id)  # nothing was asked: nothing is rated
    async with services.uow.read() as tx:
        jobs = "SELECT count(*) FROM outbox_jobs WHERE task = 'notifications.ticket_closed'"
        assert (await tx.execute(text(jobs))).scalar_one() == 0


@pytest.mark.parametrize("words", ["", "   \n", "x" * 4097, "😀" * 2049, "\0"])
async def test_what_telegram_would_refuse_is_refused_here(services: Services, words: str) -> None:
    emma, nadia = await person(services, EMMA), await person(services, NADIA, Permission.TICKETS)
    with pytest.raises(Invalid):
        await services.support.tickets.write(nadia, emma.id, words, "write-00001")


async def test_refusals(services: Services) -> None:
    emma, nadia = await person(services, EMMA), await person(services, NADIA, Permission.TICKETS)
    clerk = await person(services, OMAR, Permission.STOCK, Permission.USERS)
    tickets = services.support.tickets
    await says(services, EMMA, "hello", 1)
    ticket = (await only(services, nadia)).ticket.id
    for refused in (
        tickets.write(clerk, emma.id, "x", "write-00001"),
        tickets.answer(clerk, ticket, "x", "write-00001"),
        tickets.get(clerk, ticket),
        tickets.take(clerk, ticket),
        tickets.close(clerk, ticket),
        tickets.list_page(clerk, TicketFilter.OPEN, None),
        tickets.find(clerk, "hello"),
        services.support.ready.list_all(clerk),
    ):
        with pytest.raises(Forbidden):
            await refused
    with pytest.raises(Invalid):  # who may not answer gets no ticket
        await tickets.hand_over(nadia, ticket, clerk.id)
    with pytest.raises(NotFound):
        await tickets.write(nadia, UserId(UUID(int=5)), "x", "write-00002")
    await services.identity.access.mark_bot_blocked(EMMA, blocked=True)
    with pytest.raises(BotBlocked):
        await tickets.write(nadia, emma.id, "x", "write-00003")


async def test_who_waits_for_longest_comes_first_page_by_page(services: Services, clock: FakeClock) -> None:
    nadia = await person(services, NADIA, Permission.TICKETS)
    for number in range(600, 635):
        await person(services, number)
        await says(services, number, f"question {number}", number)
        clock.move(seconds=1)
    first = await services.support.tickets.list_page(nadia, TicketFilter.OPEN, None)
    second = await services.support.tickets.list_page(nadia, TicketFilter.OPEN, first.next_cursor)
    texts = [row.text for row in (*first.items, *second.items)]
    assert texts == [f"question {number}" for number in range(600, 635)]
    assert second.next_cursor is None
    assert (await services.support.tickets.counts(nadia)).open == 35


async def test_a_ticket_is_found_by_its_number(services: Services) -> None:
    await person(services, EMMA)
    nadia = await person(services, NADIA, Permission.TICKETS)
    await says(services, EMMA, "hello", 1)
    number = (await only(services, nadia)).ticket.number
    find = services.support.tickets.find
    for query in (number, number.lower(), number[:5], "Person 501", str(EMMA)):
        assert [row.ticket.number for row in await find(nadia, query)] == [number], query
    for query in ("", "%", "_", "9" * 20, "T-ZZZZZZ", "\0", "\u202e", "😀", "x" * 1000):
        assert await find(nadia, query) == [], query
