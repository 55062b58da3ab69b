"""Tickets between the back office and the chat: answers arrive, their fate is shown, the customer rates."""

from __future__ import annotations

import asyncio

from backend.identity.types import Permission
from backend.support.types import Delivery, Thread, TicketFilter
from tests.bot.telegram import EMMA, LAYLA, NADIA, Person, button
from tests.bot.test_support import Desk, desk  # noqa: F401


async def thread_of(desk: Desk, chosen: TicketFilter) -> Thread:  # noqa: F811
    """The one ticket of a list."""
    nadia = await desk.actor(NADIA)
    (row,) = (await desk.services.support.tickets.list_page(nadia, chosen, None)).items
    return await desk.services.support.tickets.get(nadia, row.ticket.id)


async def arrives(desk: Desk, person: Person, text: str) -> None:  # noqa: F811
    """Wait until somebody has got a message."""
    async with asyncio.timeout(10):
        while text not in [message["text"] for message in await desk.latest(person)]:
            await asyncio.sleep(0.05)


async def test_an_answer_from_the_back_office_arrives_and_is_shown_as_delivered(desk: Desk) -> None:  # noqa: F811
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    await desk.taken(emma, await emma.send("my key does not work"))
    question = (await desk.latest(nadia))[-1]
    ticket = (await thread_of(desk, TicketFilter.OPEN)).ticket
    assert button(question, "Open ticket")["value"].endswith(f"/admin/tickets/{ticket.id}")
    text = "Try <b>this</b>:\n" + "x" * 4000
    await desk.services.support.tickets.answer(await desk.actor(NADIA), ticket.id, text, "answer-0001")
    assert (await desk.latest(emma))[-1]["text"] == text
    answered = await thread_of(desk, TicketFilter.WAITING)
    assert answered.messages[-1].message.delivery is Delivery.DELIVERED
    # A reply to it is in the same ticket, and so is an admin's answer in the chat.
    await desk.reply(emma, (await desk.latest(emma))[-1], "it works")
    await arrives(desk, nadia, "it works")
    await desk.taken(nadia, await desk.reply(nadia, (await desk.latest(nadia))[-1], "Good!"))
    texts = [one.text for one in (await thread_of(desk, TicketFilter.WAITING)).messages]
    assert texts == ["my key does not work", text, "it works", "Good!"]


async def test_an_answer_that_nobody_receives_is_shown_as_such(desk: Desk) -> None:  # noqa: F811
    emma = await desk.person(EMMA, "Emma")
    await desk.person(NADIA, "Nadia")
    await desk.taken(emma, await emma.send("hello"))
    ticket = (await thread_of(desk, TicketFilter.OPEN)).ticket
    await desk.services.support.tickets.answer(await desk.actor(NADIA), ticket.id, "Hi", "answer-0001")
    await emma.block()
    await desk.work()
    last = (await thread_of(desk, TicketFilter.WAITING)).messages[-1]
    assert last.message.delivery is Delivery.BLOCKED
    reach = await desk.services.support.tickets.reach(await desk.actor(NADIA), ticket.user_id)
    assert reach.blocked_bot


async def test_a_closed_ticket_is_rated_in_the_chat_once(desk: Desk) -> None:  # noqa: F811
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    await desk.taken(emma, await emma.send("hello"))
    ticket = (await thread_of(desk, TicketFilter.OPEN)).ticket
    await desk.services.support.tickets.close(await desk.actor(NADIA), ticket.id)
    asked = (await desk.latest(emma))[-1]
    assert "How was our support?" in asked["text"]
    assert len(asked["buttons"]) == 1
    assert len(asked["buttons"][0]) == 5
    await emma.press(asked, "4 ★")
    await emma.say("/terms")  # the bot has come so far
    assert not await desk.services.support.chat.rate(await desk.actor(EMMA), ticket.id, 1)
    thread = await thread_of(desk, TicketFilter.CLOSED)
    assert thread.ticket.rating == 4
    edited = next(message for message in await emma.heard(wait=0) if message["message_id"] == asked["message_id"])
    assert edited["text"] == "Thank you! Your rating: 4 of 5."
    await emma.send("one more thing")
    await arrives(desk, nadia, "one more thing")
    assert (await thread_of(desk, TicketFilter.OPEN)).ticket.id == ticket.id


async def test_a_photo_comes_to_the_chat_of_the_admin_who_asks(desk: Desk) -> None:  # noqa: F811
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    await desk.taken(emma, await desk.file(emma, "photo", caption="see"))
    before = (await desk.latest(nadia))[-1]["message_id"]
    thread = await thread_of(desk, TicketFilter.OPEN)
    (message,) = thread.messages
    assert (message.message.kind, message.text) == ("photo", "see")
    show = desk.services.support.tickets.show_in_chat
    await show(await desk.actor(NADIA), thread.ticket.id, message.message.id)
    (copy,) = await desk.latest(nadia, before)
    assert "photo" in copy


async def test_a_ticket_that_is_handed_over_is_told_to_its_new_admin_and_only_to_them(desk: Desk) -> None:  # noqa: F811
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    layla = await desk.person(LAYLA, "Layla")
    root, helper = await desk.actor(NADIA), await desk.actor(LAYLA)
    await desk.services.identity.admins.set_permissions(root, helper.id, [Permission.TICKETS])
    await desk.taken(emma, await emma.send("hello"))
    ticket = (await thread_of(desk, TicketFilter.OPEN)).ticket
    await desk.services.support.tickets.hand_over(root, ticket.id, helper.id)
    message = (await desk.latest(layla))[-1]
    assert "Nadia" in message["text"]  # in Layla's language
    assert message["buttons"][0][0]["value"].endswith(f"/admin/tickets/{ticket.id}")
    before = (await desk.latest(nadia))[-1]["message_id"]
    await emma.send("anybody?")
    await arrives(desk, layla, "anybody?")
    assert await desk.latest(nadia, before) == []
    # Who may not answer any more is not the only one to hear.
    await desk.services.identity.admins.set_permissions(root, helper.id, [Permission.STOCK])
    await emma.send("hello??")
    await arrives(desk, nadia, "hello??")


async def test_what_is_written_in_the_mini_app_reaches_the_admins_chat(desk: Desk) -> None:  # noqa: F811
    await desk.person(EMMA, "Emma")
    nadia = await desk.person(NADIA, "Nadia")
    await desk.services.support.chat.write(await desk.actor(EMMA), "Is <b>this</b> on?", "write-00001")
    question = (await desk.latest(nadia))[-1]
    assert question["text"] == "Is <b>this</b> on?"
    assert button(question, "Open ticket")
    assert button(question, "Reply")
