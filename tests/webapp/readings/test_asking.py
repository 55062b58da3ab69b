"""A question is asked: what may be wrong with it, two taps, too few credits."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from backend.bootstrap import Services
from backend.readings.types import ReadingId
from tests.factories.readings import credits_of
from tests.webapp.readings.conftest import SEED, Guest, MakeGuest
from tests.webapp.sale import field, plain


async def _form(one: Guest, slug: str = "three", **fields: str) -> dict[str, str]:
    page = await one.visitor.get(f"/readings/new/{slug}")
    form = {"reading": field(page, "reading"), "seed": SEED, "question": "What helps?", "reversed": "on"}
    return form | {"language": "en"} | fields


async def test_a_long_question_comes_back_with_words_beside_it(guest: MakeGuest) -> None:
    one = await guest()
    answer = await one.visitor.post("/readings/new/three", data=await _form(one, question="Why? " * 100))
    assert answer.status_code == 422
    assert "Up to 300 characters." in answer.text and "Why? Why?" in answer.text
    assert 'aria-invalid="true"' in answer.text and "autofocus" in answer.text
    assert await credits_of(one.services.uow, one.actor.id) == 5


async def test_an_empty_question_is_a_question(guest: MakeGuest) -> None:
    one = await guest()
    answer = await one.visitor.post("/readings/new/three", data=await _form(one, question="  "))
    assert answer.status_code == 200 and "Read them together" in answer.text


@pytest.mark.parametrize("seed", ["", "short", "<script>alert(1)</script>"])
async def test_without_the_phones_seed_nothing_is_drawn(guest: MakeGuest, seed: str) -> None:
    one = await guest()
    answer = await one.visitor.post("/readings/new/three", data=await _form(one, seed=seed))
    assert answer.status_code == 422
    assert "part of the shuffle did not arrive" in answer.text and "What helps?" in answer.text
    assert not (await one.services.readings.rooms.history(one.actor)).items


async def test_an_unknown_language_is_refused_without_a_draw(guest: MakeGuest) -> None:
    one = await guest()
    answer = await one.visitor.post("/readings/new/three", data=await _form(one, language="tlh"))
    assert answer.status_code == 422
    assert not (await one.services.readings.rooms.history(one.actor)).items


async def test_two_taps_are_one_reading(guest: MakeGuest) -> None:
    one = await guest()
    form = await _form(one)
    taps = [one.visitor.post("/readings/new/three", data=form | {"seed": SEED[:-1] + end}) for end in "0123"]
    answers = await asyncio.gather(*taps)
    assert [answer.status_code for answer in answers] == [200] * 4
    pushed = {answer.headers["hx-push-url"] for answer in answers}
    assert pushed == {f"/readings/{form['reading']}/cards"}
    assert len((await one.services.readings.rooms.history(one.actor)).items) == 1
    assert await credits_of(one.services.uow, one.actor.id) == 4


async def test_too_few_credits_keep_the_question(guest: MakeGuest) -> None:
    one = await guest(1)
    page = await one.visitor.get("/readings/new/celtic-cross")
    assert "Draw 10 cards · 3 credits" in plain(page.text) and "You have 1 credit" in plain(page.text)
    answer = await one.visitor.post("/readings/new/celtic-cross", data=await _form(one, "celtic-cross"))
    assert (answer.status_code, answer.headers["hx-retarget"]) == (402, "#sheet")
    assert "2 credits missing" in answer.text and "Your question stays here." in answer.text
    assert not (await one.services.readings.rooms.history(one.actor)).items
    again = await one.visitor.get("/readings/new/celtic-cross")
    assert field(again, "reading") == field(page, "reading")


async def test_a_spread_that_is_being_written_is_not_asked_again(guest: MakeGuest) -> None:
    one = await guest()
    await one.ask("three")
    answer = await one.visitor.post("/readings/new/three", data=await _form(one))
    assert answer.status_code == 422 and "Another reading of this spread is being written." in answer.text


async def test_an_unknown_spread_is_not_found(guest: MakeGuest) -> None:
    one = await guest()
    assert (await one.visitor.get("/readings/new/nothing")).status_code == 404


async def test_the_seal_is_shown_before_and_is_the_readings(guest: MakeGuest) -> None:
    one = await guest()
    sheet = await one.visitor.get("/readings/new/three/seal")
    form = await _form(one)
    await one.visitor.post("/readings/new/three", data=form)
    proof = await one.services.readings.proofs.get(ReadingId(UUID(form["reading"])))
    assert proof.commitment in sheet.text and proof.client_seed == SEED


async def test_the_free_card_is_turned_once(guest: MakeGuest, services: Services) -> None:
    one = await guest(0)
    home = await one.visitor.get("/readings")
    form = {"reading": field(home, "reading"), "seed": SEED}
    turned = await one.visitor.post("/readings/free", data=form)
    assert "Next free card" in turned.text and "Turn it over" not in turned.text
    again = await one.visitor.post("/readings/free", data=form)
    assert "Next free card" in again.text
    assert len((await services.readings.rooms.history(one.actor)).items) == 1


async def test_a_free_card_without_a_seed_stays_face_down(guest: MakeGuest) -> None:
    one = await guest(0)
    form = {"reading": field(await one.visitor.get("/readings"), "reading")}
    answer = await one.visitor.post("/readings/free", data=form)
    assert "Turn it over" in answer.text and "toast" in answer.headers["hx-trigger"]
