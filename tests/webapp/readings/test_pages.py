"""The reading room's pages: choose, ask, cards, text, history."""

from __future__ import annotations

import html
import re
from uuid import UUID

from backend.bootstrap import Services
from backend.readings.types import ReadingId
from tests.webapp.readings.conftest import SEED, MakeGuest
from tests.webapp.sale import field, plain


async def test_a_question_from_choice_to_text(guest: MakeGuest, services: Services) -> None:
    one = await guest()
    home = plain((await one.visitor.get("/readings")).text)
    assert "Today's card is free" in home and "Celtic cross" in home and "5 credits" in home
    page = await one.visitor.get("/readings/new/three")
    assert "Draw 3 cards · 1 credit" in plain(page.text) and "Already shuffled" in page.text
    reading = field(page, "reading")
    form = {"reading": reading, "seed": SEED, "question": "What helps?", "reversed": "on", "language": "en"}
    dealt = await one.visitor.post("/readings/new/three", data=form)
    assert dealt.headers["hx-push-url"] == f"/readings/{reading}/cards"
    assert "Read them together" in dealt.text
    text = (await one.visitor.get(f"/readings/{reading}")).text
    assert "data-reading=" in text and "Stop here" in text
    await one.read(ReadingId(UUID(reading)))
    done = (await one.visitor.get(f"/readings/{reading}")).text
    assert "Share the picture" in done and "Written by our built-in interpreter" in done


async def test_history_lists_deletes_and_exports(guest: MakeGuest) -> None:
    one = await guest()
    assert "No readings yet" in (await one.visitor.get("/readings/history")).text
    stays, gone = await one.ask("three", "Shall I stay?"), None
    await one.read(stays)
    gone = await one.ask("one", "Shall I go?")
    page = await one.visitor.get("/readings/history")
    assert "Shall I stay?" in page.text and "Shall I go?" in page.text and "Being written" in page.text
    assert "Shall I stay?" in (await one.visitor.get("/readings")).text
    after = await one.visitor.post(f"/readings/{gone}/delete")
    assert "Shall I go?" not in after.text and after.headers["hx-push-url"] == "/readings"
    assert (await one.visitor.get(f"/readings/{gone}")).status_code == 404
    address = html.unescape(re.findall(r'href="([^"]+readings/export[^"]*)"', page.text)[0])
    exported = await one.visitor.client.get(address)
    assert "Shall I stay?" in exported.text and "attachment" in exported.headers["content-disposition"]
    await one.visitor.post("/readings/history/delete")
    assert "No readings yet" in (await one.visitor.get("/readings/history")).text
