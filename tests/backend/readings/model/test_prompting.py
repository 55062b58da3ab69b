"""Admins edit prompts in versions; the model's state and figures come from its calls; old pieces are deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, NotFound
from backend.kernel.ids import UserId, new_id
from backend.readings.domain import deleting
from backend.readings.errors import PromptChanged, PromptFaulty
from backend.readings.repository import chunks
from backend.readings.rules.prompt_texts import BODIES
from backend.readings.service.prompting import ModelService, PromptsService
from backend.readings.service.upkeep import UpkeepService
from backend.readings.types import Failure
from tests.backend.readings.model.desk import TEXT, Desk, desk
from tests.factories.identity import add_admin
from tests.fakes.clock import FakeClock
from tests.fakes.model_server import MODEL, ModelServer, refusal, whole


def _actor(user_id: UserId, *permissions: Permission) -> Actor:
    return Actor(
        user_id=user_id, telegram_id=1, first_name="N", language="en", timezone="UTC",
        permissions=frozenset(permissions),
    )  # fmt: skip


@pytest.fixture
async def admin(room: UnitOfWork) -> Actor:
    """Somebody with the permission ``readings``."""
    async with room() as tx:
        return _actor(await add_admin(tx, Permission.READINGS), Permission.READINGS)


@pytest.fixture
async def at(room: UnitOfWork, ring: KeyRing, engine: AsyncEngine, database_url: str) -> AsyncIterator[Desk]:
    """A worker's part whose model writes whole texts."""
    async with desk(room, ring, Signals(engine, database_url), ModelServer(whole(TEXT))) as ready:
        yield ready


def model_of(at: Desk) -> ModelService:
    return ModelService(uow=at.uow, calling=at.calling)


async def test_a_prompt_is_changed_in_versions(room: UnitOfWork, admin: Actor) -> None:
    prompts = PromptsService(uow=room)
    first = await prompts.get(admin, "en")
    assert (first.version, first.body) == (0, BODIES["en"])
    body = msgspec.structs.replace(BODIES["en"], system="You read cards. ")
    changed = await prompts.change(admin, "en", 0, body)
    assert (changed.version, changed.body and changed.body.system) == (1, "You read cards.")
    assert [prompt.version for prompt in await prompts.list_current(admin)] == [1, 0, 0]
    with pytest.raises(PromptChanged):
        await prompts.change(admin, "en", 0, body)
    original = await prompts.change(admin, "en", 1, None)
    assert (original.version, original.body) == (2, BODIES["en"])
    assert [prompt.version for prompt in await prompts.history(admin, "en")] == [2, 1]
    async with room.read() as tx:
        actions = text(
            "SELECT params->>'version' FROM audit_entries WHERE action = 'readings.change_prompt' ORDER BY id"
        )
        assert (await tx.execute(actions)).scalars().all() == ["1", "2"]


async def test_a_prompt_that_would_not_work_is_refused(room: UnitOfWork, admin: Actor) -> None:
    prompts = PromptsService(uow=room)
    with pytest.raises(PromptFaulty) as refusal:
        await prompts.change(admin, "en", 0, msgspec.structs.replace(BODIES["en"], cards="none", system=""))
    assert refusal.value.params == {"cards": "{cards}", "system": "empty"}
    with pytest.raises(NotFound):
        await prompts.change(admin, "de", 0, BODIES["en"])
    with pytest.raises(NotFound):
        await prompts.get(admin, "de")


async def test_only_who_may_sees_and_changes_them(room: UnitOfWork, at: Desk) -> None:
    stranger = _actor(UserId(new_id()), Permission.TEACHING)
    prompts, model = PromptsService(uow=room), model_of(at)
    for refused in (
        prompts.list_current(stranger), prompts.get(stranger, "en"), prompts.history(stranger, "en"),
        prompts.change(stranger, "en", 0, BODIES["en"]), model.state(stranger), model.outcomes(stranger),
        model.probe(stranger),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await refused


async def test_the_next_reading_is_asked_by_the_new_prompt(room: UnitOfWork, admin: Actor, at: Desk) -> None:
    body = msgspec.structs.replace(BODIES["en"], system="You read cards.")
    await PromptsService(uow=room).change(admin, "en", 0, body)
    done = await at.written()
    assert at.server.asked[0]["messages"][0]["content"].startswith("You read cards.")
    async with room.read() as tx:
        version = text("SELECT prompt_version FROM reading_answers WHERE id = :id")
        assert (await tx.execute(version, {"id": done.answer.id})).scalar_one() == 1


async def test_state_and_figures_come_from_the_calls(admin: Actor, at: Desk, clock: FakeClock) -> None:
    model = model_of(at)
    state = await model.state(admin)
    assert (state.model, state.server, state.last_call, state.paused_until) == (MODEL, "127.0.0.1", None, None)
    await at.written()
    at.server.plays = [refusal(401, "")]
    for _ in range(5):
        await at.written()
    state = await model.state(admin)
    assert state.last_call
    assert state.last_call.failure is Failure.AUTH
    assert state.paused_until
    clock.move(seconds=31)
    assert (await model.state(admin)).paused_until is None
    figures = {row.failure: row for row in await model.outcomes(admin)}
    assert {failure: row.calls for failure, row in figures.items()} == {Failure.AUTH: 5, None: 1}
    assert (figures[None].prompt_tokens, figures[None].completion_tokens, figures[None].cost_micros) == (120, 80, 66)
    assert figures[Failure.AUTH].first_word is None
    clock.move(days=31)
    assert await model.outcomes(admin) == []


async def test_a_probe_is_no_reading(admin: Actor, at: Desk) -> None:
    model = model_of(at)
    at.server.plays = [whole("The Star stands for hope.")]
    probe = await model.probe(admin)
    assert probe
    assert (probe.failure, probe.text, probe.model, probe.finish) == (None, "The Star stands for hope.", MODEL, "stop")
    assert (probe.language_fits, probe.prompt_tokens, probe.completion_tokens) == (True, 120, 80)
    assert (await model.probe(admin, "ru") or probe).language_fits is False
    assert await model.outcomes(admin) == []
    assert await ModelService(uow=at.uow, calling=None).probe(admin) is None
    assert (await ModelService(uow=at.uow, calling=None).state(admin)).model == ""


async def test_pieces_of_whole_texts_are_deleted_after_an_hour(at: Desk, clock: FakeClock) -> None:
    whole_text = await at.written()
    at.server.plays = [refusal(500, "")]
    failed = await at.written()
    upkeep = UpkeepService(uow=at.uow)
    await upkeep.purge()
    assert (await at.now(whole_text.answer)).numbers
    clock.move(minutes=61)
    await upkeep.purge()
    now = await at.now(whole_text.answer)
    assert (now.numbers, now.text) == ([], TEXT)
    assert (await at.now(failed.answer)).numbers == failed.numbers


async def test_who_deletes_a_reading_deletes_its_pieces(at: Desk) -> None:
    done = await at.written()
    async with at.uow() as tx:
        await deleting.delete(tx, done.answer.user_id, done.answer.reading_id)
    async with at.uow.read() as tx:
        assert await chunks.last_number(tx, done.answer.id, 1) == 0
