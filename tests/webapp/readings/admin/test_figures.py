"""The reading room in figures, and their files."""

from __future__ import annotations

from sqlalchemy import text

from backend.identity.types import Actor
from backend.kernel.ids import new_id
from tests.factories.readings import CLIENT_SEED
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.admin.test_figures import links, rows
from tests.webapp.readings.admin.conftest import ROOM, Desk, package
from tests.webapp.sale import arrive, plain

FIGURES = f"{ROOM}/figures"


async def ask(desk: Desk, person: Actor, slug: str) -> None:
    """Have somebody ask for a reading, which the built-in interpreter is still to write."""
    asking = desk.services.readings.asking
    commitment = await asking.commit(person, slug)
    await asking.ask(person, commitment.reading_id, "What now?", CLIENT_SEED, reversed_cards=True, language="en")


async def failed_call(desk: Desk, failure: str | None, cost: int) -> None:
    """A call of the model for the only answer."""
    sql = text("""
        INSERT INTO reading_model_calls (id, answer_id, at, asked_model, model, failure, seconds, first_word,
          prompt_tokens, completion_tokens, cost_micros)
        SELECT :id, id, :at, 'm', 'm', :failure, 3.0, 1.5, 1200, 300, :cost FROM reading_answers LIMIT 1
    """)
    async with desk.services.uow() as tx:
        await tx.execute(sql, {"id": new_id(), "at": tx.now, "failure": failure, "cost": cost})


async def test_figures_and_files_say_the_same(
    desk: Desk, visitor: MakeVisitor, clock: FakeClock, catalogue: None
) -> None:
    omar = await arrive(desk.services, visitor(42))
    await package(desk, 1000, 10)
    await desk.services.readings.gifts.give(desk.keeper, omar.id, 9, "hello", idempotency_key="gift-one")
    await ask(desk, omar, "three")
    await failed_call(desk, None, 2500)
    await failed_call(desk, "api.timeout.first", 0)
    page = await desk.page.get(FIGURES)
    said = plain(page.text)
    for words in ("Asked for 1", "Given by admins 9", "$0.0025", "2,400", "Time to first token (median)"):
        assert words.lower() in said.lower(), words
    assert "api.timeout.first" in page.text
    spreads = await rows(desk.page, links(page.text, "spreads"))
    assert [row[1] for row in spreads[1:]] == ["0", "1", "0", "0", "0"]
    days = await rows(desk.page, links(page.text, "days"))
    assert len(days) == 31 and days[1][1] == "1" and sum(int(row[1]) for row in days[1:]) == 1
    failures = await rows(desk.page, links(page.text, "failures"))
    assert failures[1][0] == "api.timeout.first" and failures[1][2:] == ["1", "0"]
    clock.move(days=8)
    later = visitor(81)
    week = plain((await later.get(FIGURES, params={"days": "7"})).text)
    assert "Asked for 0" in week and "No readings in this time" in week
    assert "Asked for 1" in plain((await later.get(FIGURES, params={"days": "30"})).text)
    assert (await later.get(FIGURES, params={"days": "8"})).status_code == 400
