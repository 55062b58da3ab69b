"""The public proof of a draw: everything it follows from, and nothing of what was asked."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from backend.bootstrap import Services
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import new_id
from backend.readings.domain import drawing
from tests.factories.readings import CLIENT_SEED, SUBSCRIPTIONS, add_answer, add_reader, add_spread
from tests.fakes.clock import FakeClock
from tests.webapp.client import browser
from tests.webapp.readings.conftest import MakeGuest
from webapp.core.middleware import is_page

QUESTION = "Shall I take the night shift?"
_SCRIPT = Path(__file__).parents[3] / "webapp/static/check_draw.py"


async def _get(app: Litestar, path: str, language: str = "en") -> httpx.Response:
    async with browser(app, "198.51.100.9") as client:
        return await client.get(path, headers={"accept": "text/html", "accept-language": language})


@pytest.fixture
async def drawn(services: Services) -> str:
    """The address of a draw's proof."""
    uow = UnitOfWork(services.engine, services.clock, services.signals, SUBSCRIPTIONS)
    async with uow() as tx:
        spread = await add_spread(tx, cards=10)
        answer = await add_answer(tx, services.ring, await add_reader(tx, 1), spread, QUESTION)
    return f"/readings/{answer.reading_id}/proof"


async def test_anybody_sees_all_values_and_no_question(app: Litestar, drawn: str) -> None:
    page = await _get(app, drawn)
    assert page.status_code == 200
    assert "Nobody moved a card" in page.text
    assert CLIENT_SEED in page.text
    assert "fair-draw." in page.text
    assert "night shift" not in page.text
    assert (page.headers["cache-control"], "noindex" in page.headers["x-robots-tag"]) == ("no-store", True)
    for language, words in (("ru", "Карты никто не подменил"), ("ar", "لم تُبدَّل أي بطاقة")):
        assert words in (await _get(app, drawn, language)).text
        assert words in (await _get(app, f"{drawn}?lang={language}")).text


async def test_the_values_check_at_home(app: Litestar, drawn: str) -> None:
    answer = await _get(app, f"{drawn}.json")
    assert "attachment" in answer.headers["content-disposition"]
    values: dict[str, Any] = json.loads(answer.content)
    check = runpy.run_path(str(_SCRIPT))["check"]
    assert check(values) == []
    assert check({**values, "client_seed": "another-one-than-it-was"}) != []
    assert "question" not in values


async def test_before_the_question_only_the_seal(app: Litestar, services: Services, clock: FakeClock) -> None:
    async with services.uow() as tx:
        waiting = await drawing.commit(tx, services.ring, await add_reader(tx), await add_spread(tx))
    page = await _get(app, f"/readings/{waiting.id}/proof")
    assert "Shuffled and sealed" in page.text and waiting.commitment.hex() in page.text
    values = json.loads((await _get(app, f"/readings/{waiting.id}/proof.json")).content)
    assert (values["seed"], values["order"], values["cards"], values["client_seed"]) == (None, [], [], None)
    clock.move(hours=24)
    assert await services.readings.upkeep.reveal_lapsed() == 1
    page = await _get(app, f"/readings/{waiting.id}/proof")
    assert "Never asked" in page.text
    values = json.loads((await _get(app, f"/readings/{waiting.id}/proof.json")).content)
    assert len(values["seed"]) == 128


async def test_a_person_sees_what_became_of_every_seal(guest: MakeGuest, clock: FakeClock) -> None:
    one = await guest()
    for slug in ("one", "three", "year"):
        await one.visitor.get(f"/readings/new/{slug}")
    clock.move(hours=24)
    await one.services.readings.upkeep.reveal_lapsed()
    await one.ask("celtic-cross")
    page = await one.visitor.get("/readings/proofs")
    assert re.findall(r'<b class="num">(\d+)</b>', page.text) == ["4", "1", "0", "3"]
    assert page.text.count("/proof?lang=en") == 3
    assert "/readings/proofs" in (await one.visitor.get("/readings/history")).text


@pytest.mark.parametrize("path", ["not-an-id", "00000000-0000-0000-0000-00000000000", ""])
async def test_what_is_no_draw_is_not_found(app: Litestar, services: Services, path: str) -> None:
    assert (await _get(app, f"/readings/{new_id()}/proof")).status_code == 404
    assert (await _get(app, f"/readings/{path}/proof.json")).status_code == 404


async def test_a_seal_that_does_not_fit_is_said(app: Litestar, services: Services, drawn: str) -> None:
    async with services.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE readings SET seed = sha512(seed)")
    page = await _get(app, drawn)
    assert "doesn&#39;t fit its seal" in page.text or "doesn't fit its seal" in page.text


def test_only_the_proof_of_a_reading_is_no_page_of_the_app() -> None:
    reading = new_id()
    assert not is_page(f"/readings/{reading}/proof")
    assert is_page(f"/readings/{reading}") and is_page("/readings/new/three") and is_page("/readings/proofs")
