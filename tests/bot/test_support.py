"""Support in the chat: what people write reaches the admins, what an admin replies reaches the person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram.types import Message, Update
from sqlalchemy import select

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.infra.jobs import by_name
from backend.infra.outbox import OutboxJob
from backend.infra.runner import Runner
from backend.support.types import ChatPost
from backend.worker import all_tasks
from bot.handlers.support import BLOCKED_WRITING, words_for_support
from tests.bot.conftest import Parts, polling
from tests.bot.telegram import DMITRI, EMMA, LAYLA, NADIA, Person, Telegram, button
from tests.factories.identity import contact
from tests.factories.shop import add_goods
from tests.fakes.clock import FakeClock

PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x02\x00\x00\x00"


class Desk:
    """A bot at work, its jobs run on the spot, and the people who write."""

    def __init__(self, parts: Parts, telegram: Telegram, clock: FakeClock) -> None:
        self.services: Services = parts.services
        self.telegram, self.clock = telegram, clock
        self._tasks = by_name(all_tasks(parts.services))

    async def person(self, number: int, name: str) -> Person:
        """Somebody who has met the bot and the shop."""
        person = self.telegram.person(number)
        await person.say("/start")
        await self.services.identity.access.authenticate(contact(number, first_name=name, language_code="en"))
        return person

    async def actor(self, number: int) -> Actor:
        actor = await self.services.identity.access.actor_by_telegram_id(number)
        assert actor is not None
        return actor

    async def work(self) -> None:
        """Run all jobs that are due."""
        runner = Runner(self.services.uow, self._tasks, attempts=8)
        for _ in range(6):
            async with self.services.uow.read() as tx:
                due = select(OutboxJob.id).where(OutboxJob.done_at.is_(None), OutboxJob.dead_at.is_(None))
                ids = [row.id for row in await tx.execute(due.where(OutboxJob.run_at <= tx.now))]
            if not ids:
                return
            for job_id in ids:
                await runner.run(job_id)

    async def file(self, person: Person, kind: str, **more: str) -> int:
        """Send a file; the message's id."""
        name = {"voice": "v.ogg", "sticker": "s.webp", "document": "f.pdf"}.get(kind, "p.png")
        path = f"/control/personas/{person.number}/files"
        answer = await self.telegram.http.post(path, files={"file": (name, PICTURE)}, data={"kind": kind, **more})
        answer.raise_for_status()
        return int(answer.json()["message_id"])

    async def reply(self, person: Person, to: Any, text: str) -> int:
        """Reply to a message; the reply's id."""
        body = {"text": text, "reply_to": to["message_id"]}
        return int((await self.telegram.control("POST", f"/personas/{person.number}/send", **body))["message_id"])

    async def taken(self, person: Person, sent: int) -> list[Any]:
        """What the bot said to it, once it is taken."""
        messages = await person.heard(after=sent)
        await self.work()
        return messages

    async def latest(self, person: Person, after: int = 0) -> list[Any]:
        await self.work()
        return await person.heard(after=after, wait=0)


@pytest.fixture
async def desk(running_bot: Parts, telegram: Telegram, clock: FakeClock) -> AsyncIterator[Desk]:
    yield Desk(running_bot, telegram, clock)


async def test_a_question_reaches_the_admins_and_the_answer_the_buyer(desk: Desk) -> None:
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    sent = await emma.send("my key does not work")
    assert [message["text"] for message in await desk.taken(emma, sent)] == ["Message sent. We'll reply here."]
    question = (await desk.latest(nadia))[-1]
    assert question["text"] == "my key does not work"
    assert button(question, "From Emma Clarke")["value"].endswith(f"/admin/people/{(await desk.actor(EMMA)).id}")
    # By the button: the bot asks, and the reply to its question is the answer.
    await nadia.press(question, "Reply")
    asked = (await nadia.heard(after=question["message_id"]))[-1]
    assert "Emma" in asked["text"]
    message = await desk.reply(nadia, asked, "Sorry! Here is a new one.")
    assert "Sent to" in (await desk.taken(nadia, message))[0]["text"]
    answer = (await desk.latest(emma, sent))[-1]
    assert answer["text"] == "Sorry! Here is a new one."
    # By a reply to the question itself; and the buyer goes on, with no further acknowledgement.
    message = await desk.reply(nadia, question, "Does it work?")
    await desk.taken(nadia, message)
    assert (await desk.latest(emma, answer["message_id"]))[-1]["text"] == "Does it work?"
    thanks = await emma.send("yes, thanks")
    async with asyncio.timeout(10):
        while not any(message["text"] == "yes, thanks" for message in await desk.latest(nadia, message)):
            await asyncio.sleep(0.05)
    assert await emma.heard(after=thanks, wait=0) == []


async def test_another_admin_answers_after_a_restart(parts: Parts, telegram: Telegram, clock: FakeClock) -> None:
    async with polling(parts):
        desk = Desk(parts, telegram, clock)
        emma, nadia, layla = (
            await desk.person(EMMA, "Emma"),
            await desk.person(NADIA, "Nadia"),
            await desk.person(LAYLA, "Layla"),
        )
        root, helper = await desk.actor(NADIA), await desk.actor(LAYLA)
        await desk.services.identity.admins.set_permissions(root, helper.id, [Permission.TICKETS])
        await desk.taken(emma, await emma.send("hello?"))
        assert (await desk.latest(nadia))[-1]["text"] == "hello?"
        question = (await desk.latest(layla))[-1]
    again = Parts(parts.services)
    async with polling(again):
        await desk.taken(layla, await desk.reply(layla, question, "hello, Emma"))
        assert (await desk.latest(emma))[-1]["text"] == "hello, Emma"
    await again.bot.session.close()


@pytest.mark.parametrize("kind", ["photo", "document", "voice", "video", "audio", "sticker"])
async def test_whatever_is_sent_arrives_in_both_directions(kind: str, desk: Desk) -> None:
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    await desk.taken(emma, await desk.file(emma, kind))
    question = (await desk.latest(nadia))[-1]
    assert "photo" in question or question["document"]["kind"] == kind
    answered = await desk.file(nadia, kind, reply_to=str(question["message_id"]))
    await desk.taken(nadia, answered)
    got = (await desk.latest(emma))[-1]
    assert "photo" in got or got["document"]["kind"] == kind


async def test_an_album_is_acknowledged_once_and_arrives_whole(desk: Desk) -> None:
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    before = (await desk.latest(nadia))[-1]["message_id"]
    first = await desk.file(emma, "photo", media_group_id="7", caption="two pages")
    await desk.file(emma, "photo", media_group_id="7")
    async with asyncio.timeout(10):
        while len(messages := await desk.latest(nadia, before)) < 2:
            await asyncio.sleep(0.05)
    assert sorted(message["text"] for message in messages) == ["", "two pages"]
    assert len(await emma.heard(after=first, wait=0)) == 1


async def test_an_orders_number_is_attached_where_the_order_is_ones_own(desk: Desk) -> None:
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    layla = await desk.person(LAYLA, "Layla")
    buyer = await desk.actor(EMMA)
    async with desk.services.uow() as tx:
        goods = await add_goods(tx, desk.services.ring, price=0)
    order = await desk.services.orders.checkout.place(buyer, goods.variant_id, 1, "tap-0000001")
    await desk.work()
    message = (await desk.latest(emma))[-1]
    assert order.number in message["text"]
    for write in (
        emma.send(f"/paysupport {order.number} my key does not work"),
        emma.send(f"about {order.number.lower()}: it does not work"),
        desk.reply(emma, message, "this one"),
    ):
        before = (await desk.latest(nadia))[-1]["message_id"]
        await write
        async with asyncio.timeout(10):
            while not (messages := await desk.latest(nadia, before)):
                await asyncio.sleep(0.05)
        assert button(messages[-1], f"Order {order.number}")
    before = (await desk.latest(nadia))[-1]["message_id"]
    await desk.taken(layla, await layla.send(f"where is {order.number}?"))
    stranger = (await desk.latest(nadia, before))[-1]
    assert [item["text"] for row in stranger["buttons"] for item in row] == ["From ليلى حداد", "Open ticket", "Reply"]
    # An admin's reply to the message about the order reaches its buyer.
    sale = next(message for message in await nadia.heard(wait=0) if "New order" in message["text"])
    await desk.taken(nadia, await desk.reply(nadia, sale, "Your key is on its way"))
    assert (await desk.latest(emma))[-1]["text"] == "Your key is on its way"


async def test_the_blocked_can_write_and_are_answered_but_not_without_end(desk: Desk) -> None:
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    buyer, root = await desk.actor(EMMA), await desk.actor(NADIA)
    await desk.services.identity.people.block(root, buyer.id, "fraud")
    assert "blocked" in (await emma.say("/orders"))["text"]
    assert "sent" in (await desk.taken(emma, await emma.send("a mistake!")))[0]["text"]
    question = (await desk.latest(nadia))[-1]
    assert question["text"] == "a mistake!"
    await desk.taken(nadia, await desk.reply(nadia, question, "we look at it"))
    assert (await desk.latest(emma))[-1]["text"] == "we look at it"
    for number in range(BLOCKED_WRITING.times + 2):
        await emma.send(f"again {number}")
    await nadia.say("/terms")  # the bot has come so far
    heard = [m["text"] for m in await desk.latest(nadia, question["message_id"]) if m["text"].startswith("again")]
    assert len(heard) == BLOCKED_WRITING.times - 1


async def test_an_answer_that_does_not_arrive_is_told_to_its_writer(desk: Desk) -> None:
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    await desk.taken(emma, await emma.send("hello"))
    question = (await desk.latest(nadia))[-1]
    await emma.block()
    message = await desk.reply(nadia, question, "are you there?")
    await desk.taken(nadia, message)
    assert "wasn't delivered" in (await desk.latest(nadia, message))[-1]["text"]


async def test_what_bots_may_not_copy_is_told_in_words(desk: Desk) -> None:
    """A quiz, a story, a message that was deleted at once: here one that is not there."""
    await desk.person(EMMA, "Emma")
    nadia = await desk.person(NADIA, "Nadia")
    await desk.services.support.chat.receive(EMMA, ChatPost(message_id=999_999, kind="poll"))
    message = (await desk.latest(nadia))[-1]
    assert "Emma sent something" in message["text"]
    assert button(message, "Reply")
    answer = ChatPost(message_id=999_998, kind="poll", reply_to=message["message_id"])
    await desk.services.support.chat.answer(await desk.actor(NADIA), answer)
    why = (await desk.latest(nadia, message["message_id"]))[-1]["text"]
    assert "wasn't delivered" in why
    assert "may not copy" in why


async def test_the_same_message_reaches_the_admins_once(desk: Desk, parts: Parts) -> None:
    await desk.person(EMMA, "Emma")
    nadia = await desk.person(NADIA, "Nadia")
    before, receive = (await desk.latest(nadia))[-1]["message_id"], desk.services.support.chat.receive
    results = await asyncio.gather(*(receive(EMMA, ChatPost(message_id=1)) for _ in range(5)))
    assert [result.new for result in results].count(True) == 1
    await parts.services.redis.flushdb()
    assert len(await desk.latest(nadia, before)) <= 1


async def test_nobody_else_may_answer(desk: Desk) -> None:
    emma, dmitri = await desk.person(EMMA, "Emma"), await desk.person(DMITRI, "Dmitri")
    customer = (await desk.actor(EMMA)).id
    chat = {"id": DMITRI, "type": "private", "first_name": "Dmitri"}
    person = {"id": DMITRI, "is_bot": False, "first_name": "Dmitri", "language_code": "en"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": person, "text": "x"}
    query = {"id": "1", "from": person, "chat_instance": "1", "data": f"answer:{customer}", "message": message}
    body = {"update_id": 77, "callback_query": query}
    parts = Parts(desk.services)
    await parts.intake.take(Update.model_validate(body, context={"bot": parts.bot}))
    await parts.bot.session.close()
    assert not any("Write your reply" in m["text"] for m in await dmitri.heard(wait=0))
    assert await emma.heard(wait=0)


async def test_an_admin_who_writes_to_nobody_is_told_how(desk: Desk) -> None:
    nadia = await desk.person(NADIA, "Nadia")
    assert "reply to their message" in (await nadia.say("hello"))["text"]


@pytest.mark.parametrize(("said", "meant"), [
    ({"text": "/paysupport\nmy key is dead"}, "my key is dead"),
    ({"text": "/PaySupport@souk_bot  S-4K7Q2M"}, "S-4K7Q2M"),
    ({"text": "/paysupport \n"}, None),
    ({"story": {"chat": {"id": 1, "type": "private"}, "id": 7}}, ""),
    ({"a_kind_of_tomorrow": {"id": 1}}, ""),
    ({"pinned_message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}}, None),
])  # fmt: skip
def test_what_is_meant_for_a_person(said: dict[str, Any], meant: str | None) -> None:
    message = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}} | said
    assert words_for_support(Message.model_validate(message)) == meant


async def test_an_unknown_command_is_no_message_to_the_admins(desk: Desk) -> None:
    emma, nadia = await desk.person(EMMA, "Emma"), await desk.person(NADIA, "Nadia")
    before = (await desk.latest(nadia))[-1]["message_id"]
    assert "Unknown command" in (await emma.say("/nonsense"))["text"]
    assert await desk.latest(nadia, before) == []
