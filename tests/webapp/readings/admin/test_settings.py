"""The settings of the reading room in the back office."""

from __future__ import annotations

from backend.identity.types import Actor, Permission
from tests.factories.readings import CLIENT_SEED
from tests.webapp.back_office import MakeAdmin
from tests.webapp.conftest import MakeVisitor
from tests.webapp.readings.admin.conftest import ROOM, Desk
from tests.webapp.readings.admin.test_spreads import values_of
from tests.webapp.sale import arrive, plain

SETTINGS = f"{ROOM}/settings"


async def test_settings_are_changed_with_their_history(desk: Desk, make_admin: MakeAdmin) -> None:
    chief = await make_admin(83, Permission.SETTINGS, Permission.READINGS)
    values = values_of((await chief.get(SETTINGS)).text)
    assert values["reading_free_card"] == "on" and values["reading_follow_ups"] == "2"
    del values["reading_free_card"]
    saved = await chief.post(
        SETTINGS, data={**values, "reading_follow_ups": "٤", "reading_help_lines": "0800 111\r\nDay and night"}
    )
    assert saved.status_code == 200 and "Saved" in saved.headers["hx-trigger"]
    now = desk.services.live.current
    assert (now.reading_free_card, now.reading_follow_ups) == (0, 4)
    assert now.reading_help_lines == "0800 111\\nDay and night"
    assert values_of(saved.text)["reading_help_lines"] == "0800 111\nDay and night"
    assert "Last changes" in plain(saved.text) and "2 → 4" in plain(saved.text)


async def test_help_lines_are_those_of_the_readers_language(
    desk: Desk, make_admin: MakeAdmin, visitor: MakeVisitor
) -> None:
    chief = await make_admin(83, Permission.SETTINGS)
    values = values_of((await chief.get(SETTINGS)).text)
    lines = {"reading_help_lines": "0800 111", "reading_help_lines_ar": "0800 222"}
    assert (await chief.post(SETTINGS, data={**values, **lines})).status_code == 200
    room, writer = desk.services.readings, desk.services.interpretation.interpreting
    omar = await arrive(desk.services, visitor(42))
    await room.gifts.give(Actor.system(), omar.id, 5, "hello")
    for language, question, line in (("ar", "أريد أن أموت", "0800 222"), ("en", "I want to die", "0800 111")):
        draw = await room.asking.commit(omar, "three")
        answer = await room.asking.ask(
            omar, draw.reading_id, question, CLIENT_SEED, reversed_cards=True, language=language
        )
        await writer.interpret(answer)
        page = await room.rooms.get(omar, draw.reading_id)
        assert line in str(page.answers[0].text)


async def test_a_wrong_number_is_named_and_changes_nothing(desk: Desk, make_admin: MakeAdmin) -> None:
    chief = await make_admin(83, Permission.SETTINGS)
    values = values_of((await chief.get(SETTINGS)).text)
    wrong = await chief.post(SETTINGS, data={**values, "reading_follow_ups": "21", "reading_question_length": "many"})
    assert wrong.status_code == 422
    for field in ("reading_follow_ups", "reading_question_length"):
        assert f'id="{field}-error"' in wrong.text
    assert desk.services.live.current.reading_follow_ups == 2
