"""A reading in each of its states: what is said, what can be done, and what became of the credits."""

from __future__ import annotations

import html
import re

from sqlalchemy import text as sql

from backend.readings.domain import answers
from backend.readings.repository import answers as stored
from backend.readings.types import Failure, ReadingId
from tests.factories.readings import credits_of
from tests.webapp.readings.conftest import Guest, MakeGuest
from tests.webapp.sale import plain


async def _fail(one: Guest, reading_id: ReadingId, failure: Failure) -> None:
    answer_id = await one.last(reading_id)
    async with one.services.uow() as tx:
        answer = await stored.find(tx, answer_id)
        assert answer is not None and await answers.fail(tx, answer_id, answer.attempt, failure)


async def test_a_stopped_reading_gives_its_credits_back(guest: MakeGuest) -> None:
    one = await guest()
    reading = await one.ask("celtic-cross")
    assert await credits_of(one.services.uow, one.actor.id) == 2
    page = await one.visitor.post(f"/readings/{reading}/stop")
    assert "You stopped it." in page.text and "your 3 credits are back" in page.text
    assert "Try again · 3 credits" in page.text and "data-reading=" not in page.text
    assert await credits_of(one.services.uow, one.actor.id) == 5
    assert "You stopped it." in (await one.visitor.post(f"/readings/{reading}/stop")).text
    again = await one.visitor.post(f"/readings/{reading}/again")
    assert "data-reading=" in again.text and await credits_of(one.services.uow, one.actor.id) == 2


async def test_a_failed_reading_says_why_and_can_be_plain(guest: MakeGuest) -> None:
    one = await guest()
    reading = await one.ask()
    await _fail(one, reading, Failure.TIMEOUT_FIRST)
    page = (await one.visitor.get(f"/readings/{reading}")).text
    assert "The interpreter didn&#39;t answer in time." in page and "your 1 credit is back" in page
    assert "Plain reading" in page and "Try again · 1 credit" in page
    live = await one.visitor.post(f"/readings/{reading}/plain")
    assert "data-reading=" in live.text
    await one.read(reading)
    done = (await one.visitor.get(f"/readings/{reading}")).text
    assert "Written by our built-in interpreter." in done
    assert await credits_of(one.services.uow, one.actor.id) == 5


async def test_every_failure_has_words(guest: MakeGuest) -> None:
    one = await guest(30)
    reading = await one.ask()
    for failure in Failure:
        await _fail(one, reading, failure)
        page = plain((await one.visitor.get(f"/readings/{reading}")).text)
        assert "your 1 credit is back" in page and failure.value not in page
        await one.services.readings.asking.try_again(one.actor, await one.last(reading))


async def test_a_text_without_its_key_is_shown_as_such(guest: MakeGuest) -> None:
    one = await guest()
    reading = await one.ask()
    await one.read(reading)
    async with one.services.uow() as tx:
        await tx.execute(sql("UPDATE reading_answers SET answer = set_byte(answer, 16, get_byte(answer, 16) # 1)"))
    page = await one.visitor.get(f"/readings/{reading}")
    assert page.status_code == 200 and "This text can't be opened." in page.text
    assert "Share the picture" not in page.text


async def test_a_follow_up_remembers_the_spread(guest: MakeGuest) -> None:
    one = await guest()
    reading = await one.ask()
    await one.read(reading)
    page = (await one.visitor.get(f"/readings/{reading}")).text
    assert "Ask a follow-up" in page and "2 left" in page
    empty = await one.visitor.post(f"/readings/{reading}/follow", data={"question": " "})
    assert empty.status_code == 422 and "Write a question." in empty.text
    asked = await one.visitor.post(f"/readings/{reading}/follow", data={"question": "And next week?"})
    assert "And next week?" in asked.text and "data-reading=" in asked.text and "Stop here" in asked.text
    await one.read(reading)
    done = (await one.visitor.get(f"/readings/{reading}")).text
    assert "1 left" in done and done.count('class="said"') == 2


async def test_cards_tell_of_themselves(guest: MakeGuest) -> None:
    one = await guest()
    reading = await one.ask("celtic-cross")
    page = (await one.visitor.get(f"/readings/{reading}/cards")).text
    assert page.count('data-vars="--x:') == 10
    about = (await one.visitor.get(f"/readings/{reading}/cards/5")).text
    assert "what is behind you" in about
    assert (await one.visitor.get(f"/readings/{reading}/cards/11")).status_code == 404
    assert 'style="' not in page


async def test_nobody_elses_reading(guest: MakeGuest) -> None:
    one, other = await guest(), await guest(telegram_id=4202)
    reading = await one.ask()
    await one.read(reading)
    page = (await one.visitor.get(f"/readings/{reading}")).text
    for path in ("", "/cards", "/cards/1"):
        assert (await other.visitor.get(f"/readings/{reading}{path}")).status_code == 404
    for verb in ("stop", "again", "plain", "delete", "share", "send"):
        assert (await other.visitor.post(f"/readings/{reading}/{verb}")).status_code == 404
    address = html.unescape(re.findall(r'href="([^"]+/pictures/[^"]*)"', page)[0])
    picture = await one.visitor.client.get(address)
    assert picture.content.startswith(b"\x89PNG") and picture.headers["cache-control"] == "private, no-store"
    assert (await one.visitor.client.get(address.split("?")[0])).status_code == 403


async def test_where_telegram_does_not_answer_there_is_still_a_way_to_share(guest: MakeGuest) -> None:
    one = await guest()
    reading = await one.ask()
    await one.read(reading)
    shared = await one.visitor.post(f"/readings/{reading}/share")
    assert '"id":""' in shared.headers["hx-trigger"] and "t.me/share/url" in shared.headers["hx-trigger"]
    sent = await one.visitor.post(f"/readings/{reading}/send")
    assert "bad" in sent.headers["hx-trigger"]
