"""Tickets, ready answers, a message to a person, and one search for everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect

from backend.identity.types import Actor
from backend.kernel.ids import UserId
from backend.kernel.text import Locale
from backend.support.types import ChatPost, ReadyAnswerId, TicketFilter, TicketId
from tests.browser.screens.screen import Screen, send_empty
from tests.browser.stack import Stack
from tests.browser.telegram import Person

if TYPE_CHECKING:
    from tests.browser.screens.world import World


class Past(msgspec.Struct, frozen=True):
    """A ticket with an answer and a photo, a ready answer, and somebody to write to."""

    ticket: TicketId
    ready: ReadyAnswerId
    person: UserId


async def live(stack: Stack, people: Mapping[str, Person], admin: Actor) -> Past:
    """A buyer has asked, was answered, and has sent a photo."""
    support, buyer = stack.services.support, people["rich"].id
    person = await stack.actor(buyer)
    asked = "Hello! My key for the VPN says that it is in use already. Can you send me another one, please?"
    await support.chat.receive(buyer, ChatPost(message_id=-1, text=asked))
    rows = (await support.tickets.list_page(admin, TicketFilter.OPEN, None)).items
    ticket = next(row.ticket.id for row in rows if row.ticket.user_id == person.id)
    await support.tickets.answer(
        admin, ticket, "Of course. Could you send a picture of the message?", "browser-ticket-1"
    )
    await support.chat.receive(buyer, ChatPost(message_id=-2, kind="photo", text="Here it is."))
    texts = {
        Locale.EN: "Hello {name}, we are looking into order {order}.",
        Locale.AR: "مرحبًا {name}، نراجع الطلب {order}.",
    }
    ready = await support.ready.save(admin, None, 0, "Looking into it", texts)
    return Past(ticket, ready, person.id)


async def write(page: Page) -> None:
    """Open the sheet in which a message is written."""
    await page.locator('[hx-get$="/message"]').click()
    await expect(page.locator("dialog#sheet textarea")).to_be_visible()


async def hand_over(page: Page) -> None:
    """Open the sheet that asks who gets the ticket."""
    await page.locator('[hx-get$="/hand-over"]').click()
    await expect(page.locator("dialog#sheet h2")).to_be_visible()


def screens(world: World) -> list[Screen]:
    """The list, a conversation, the forms, the search."""
    past = world.support
    return [
        Screen("support", "/me/support"),
        Screen("support-new", "/me/support", "poor"),
        Screen("support-error", "/me/support", act=send_empty),
        Screen("manage-tickets", "/admin/tickets", "admin"),
        Screen("manage-tickets-waiting", "/admin/tickets?view=waiting", "admin"),
        Screen("manage-tickets-closed", "/admin/tickets?view=closed", "admin"),
        Screen("manage-ticket", f"/admin/tickets/{past.ticket}", "admin"),
        Screen("manage-ticket-error", f"/admin/tickets/{past.ticket}", "admin", send_empty),
        Screen("manage-ticket-hand-over", f"/admin/tickets/{past.ticket}", "admin", hand_over),
        Screen("manage-ready", "/admin/tickets/ready", "admin"),
        Screen("manage-ready-answer", f"/admin/tickets/ready/{past.ready}", "admin"),
        Screen("manage-message", f"/admin/people/{past.person}", "admin", write),
        Screen("manage-search", "/admin/search?q=a", "admin"),
        Screen("manage-search-people", "/admin/search?q=a&group=people", "admin"),
        Screen("manage-search-nothing", "/admin/search?q=zzzzzzzzz", "admin"),
        Screen("manage-home-year", "/admin?range=year", "admin"),
    ]
