"""The interpreter in the back office: prompts in versions, the model's state, and a probe of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from backend.bootstrap import Services, build
from backend.infra.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.model_server import MODEL, ModelServer, refusal, whole
from tests.webapp.readings.admin.conftest import ROOM, Desk
from tests.webapp.readings.admin.test_spreads import values_of
from tests.webapp.sale import plain

PROMPTS = f"{ROOM}/prompts"
SECRET = "sk-" + "never-shown" * 3


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A model that answers well."""
    model = ModelServer(whole("The cards are ready for you."))
    async with model.serving():
        yield model


@pytest.fixture
async def services(
    settings: Settings, committed_db: None, clock: FakeClock, server: ModelServer
) -> AsyncIterator[Services]:
    """The whole backend, with a model."""
    changed = msgspec.structs.replace(
        settings, reading_model_url=server.url, reading_model=MODEL, reading_model_keys=SECRET
    )
    built = build(changed, clock=clock)
    async with built.running(listen=False):
        await built.identity.access.ensure_root()
        yield built


async def test_a_prompt_is_edited_in_versions_and_an_older_one_is_used_again(desk: Desk) -> None:
    path = f"{PROMPTS}/en"
    page = await desk.page.get(path)
    values = values_of(page.text)
    original = values["system"]
    saved = await desk.page.post(path, data={**values, "system": "You read cards.\r\nBriefly."})
    assert saved.status_code == 200 and "Version 1" in plain(saved.text)
    prompts = desk.services.interpretation.prompts
    stored = await prompts.get(desk.keeper, "en")
    assert stored.body is not None and stored.body.system == "You read cards.\nBriefly."
    assert desk.keeper.first_name in plain(saved.text)
    late = await desk.page.post(path, data={**values, "system": "Mine"})
    assert late.status_code == 409 and late.headers["x-error-code"] == "prompt_changed"
    assert values_of(late.text)["system"] == "Mine"
    older = await desk.page.get(f"{path}/versions/0")
    assert "Use this version" in older.text
    assert (await desk.page.post(f"{path}/restore", data={"version": "1", "restored": "0"})).status_code == 200
    assert (await prompts.get(desk.keeper, "en")).body.system == original.replace("\r\n", "\n").strip()  # type: ignore[union-attr]
    again = await desk.page.post(f"{path}/restore", data={"version": "2", "restored": "1"})
    assert "Version 3" in plain(again.text)
    assert (await desk.page.get(f"{path}/versions/99")).status_code == 404
    assert (await desk.page.get(f"{PROMPTS}/de")).status_code == 404


async def test_placeholders_are_checked_beside_their_text(desk: Desk) -> None:
    values = values_of((await desk.page.get(f"{PROMPTS}/ar")).text)
    wrong = await desk.page.post(f"{PROMPTS}/ar", data={**values, "cards": "nothing", "question": "", "system": "{x}"})
    assert wrong.status_code == 422
    for field in ("cards", "question", "system"):
        assert f'id="{field}-error"' in wrong.text
    assert "{cards}" in plain(wrong.text) and values_of(wrong.text)["cards"] == "nothing"


async def test_a_probe_shows_what_came_back_and_no_key(desk: Desk, server: ModelServer, clock: FakeClock) -> None:
    shown = await desk.page.post(f"{PROMPTS}/probe", data={"language": "en"})
    said = plain(shown.text)
    for words in ("The model works.", "The cards are ready for you.", MODEL, "stop", "120 + 80"):
        assert words in said, words
    other = plain((await desk.page.post(f"{PROMPTS}/probe", data={"language": "ru"})).text)
    assert "The answer is in another language." in other
    clock.move(seconds=5)
    server.plays = [refusal(401, {"error": {"message": f"Incorrect API key provided: {SECRET}"}})]
    failed = await desk.page.post(f"{PROMPTS}/probe", data={"language": "en"})
    assert "api.auth" in failed.text and SECRET not in failed.text
    page = await desk.page.get(PROMPTS)
    assert "api.auth" in page.text and MODEL in page.text and SECRET not in page.text
    assert "127.0.0.1" in page.text


async def test_a_failing_model_needs_attention(desk: Desk, server: ModelServer) -> None:
    server.plays = [refusal(401, {"error": {"message": "no"}})]
    for _ in range(6):
        await desk.page.post(f"{PROMPTS}/probe", data={"language": "en"})
    assert "left alone until" in plain((await desk.page.get(PROMPTS)).text)
    assert "The model is paused" in plain((await desk.page.get(ROOM)).text)
