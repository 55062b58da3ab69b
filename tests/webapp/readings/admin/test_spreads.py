"""Spreads in the back office: made, edited as versions, ordered, shown before anybody sees them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.webapp.readings.admin.conftest import ROOM, Desk
from tests.webapp.sale import plain

SPREADS = f"{ROOM}/spreads"
_INPUT = re.compile(r'<input[^>]*name="([^"]+)"[^>]*>|<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', re.DOTALL)


def values_of(html: str) -> dict[str, str]:
    """What a browser would send of the editor's form."""
    values: dict[str, str] = {}
    for match in _INPUT.finditer(html):
        if match[2]:
            values[match[2]] = unescape(match[3])
        elif match[1] != "in_language" and ('type="checkbox"' not in match[0] or "checked" in match[0]):
            values[match[1]] = unescape(sent[1]) if (sent := re.search(r'value="([^"]*)"', match[0])) else ""
    return values


async def test_a_spread_is_made_position_by_position(desk: Desk) -> None:
    values = values_of((await desk.page.get(f"{SPREADS}/new")).text)
    added = await desk.page.post(f"{SPREADS}/form", data={**values, "act": "add"})
    values |= values_of(added.text)
    assert values["positions"] == "2" and values["position_2_y"] != values["position_1_y"]
    laid = await desk.page.post(f"{SPREADS}/form", data={**values, "act": "lay:rows3"})
    values |= values_of(laid.text)
    assert (values["position_1_x"], values["position_2_x"], values["position_2_y"]) == ("50", "165", "50")
    refused = await desk.page.post(SPREADS, data={**values, "slug": "New Moon", "credits": "1001"})
    assert refused.status_code == 422
    for field in ("slug", "credits", "name_en", "summary_ru", "position_1_name_ar", "position_2_meaning_ru"):
        assert f'id="{field}-error"' in refused.text, field
    for field in [name for name in values if name.split("_")[-1] in {"en", "ar", "ru"} and "prompts" not in name]:
        values[field] = f"text of {field}"
    values |= {"slug": "new-moon", "credits": "٢", "prompts_en": "What begins?\n\nWhat ends? "}
    created = await desk.page.post(SPREADS, data=values)
    assert created.status_code == 200, plain(created.text)
    spread = await desk.spread("new-moon")
    assert (spread.credits, spread.hidden, spread.version, len(spread.body.positions)) == (2, True, 1, 2)
    assert spread.body.prompts["en"] == ("What begins?", "What ends?")
    assert created.headers["hx-push-url"] == f"{SPREADS}/{spread.id}"
    taken = await desk.page.post(SPREADS, data=values)
    assert taken.status_code == 422 and "This address is taken" in taken.text


async def test_saving_makes_a_version_only_of_what_has_changed(desk: Desk) -> None:
    before = await desk.spread("three")
    path = f"{SPREADS}/{before.id}"
    values = values_of((await desk.page.get(path)).text)
    assert (await desk.page.post(path, data=values)).status_code == 200
    assert await desk.spread("three") == before
    await desk.page.post(path, data={**values, "credits": "5"})
    priced = await desk.spread("three")
    assert (priced.version, priced.credits, priced.hidden) == (1, 5, False)
    del values["shown_to_people"]
    saved = await desk.page.post(path, data={**values, "name_en": "Was, is, will be"})
    assert "Saved" in saved.headers["hx-trigger"] and "Version 2" in plain(saved.text)
    edited = await desk.spread("three")
    assert (edited.version, edited.hidden, edited.body.name["en"]) == (2, True, "Was, is, will be")


async def test_the_later_of_two_admins_is_told_and_loses_nothing(desk: Desk) -> None:
    spread = await desk.spread("celtic-cross")
    path = f"{SPREADS}/{spread.id}"
    values = values_of((await desk.page.get(path)).text)
    await desk.page.post(path, data={**values, "name_en": "The first"})
    late = await desk.page.post(path, data={**values, "name_en": "The second", "credits": "9"})
    assert late.status_code == 409 and late.headers["x-error-code"] == "spread_edited"
    assert values_of(late.text)["name_en"] == "The second"
    stored = await desk.spread("celtic-cross")
    assert (stored.body.name["en"], stored.credits) == ("The first", spread.credits)


async def test_a_built_in_spread_can_be_reset(desk: Desk) -> None:
    spread = await desk.spread("year")
    path = f"{SPREADS}/{spread.id}"
    values = values_of((await desk.page.get(path)).text)
    await desk.page.post(path, data={**values, "name_ru": "Мой год", "credits": "7"})
    stale = await desk.page.post(f"{path}/reset", data={"version": "1"})
    assert stale.headers["x-error-code"] == "spread_edited"
    assert (await desk.page.post(f"{path}/reset", data={"version": "2"})).status_code == 200
    after = await desk.spread("year")
    assert (after.body, after.credits, after.version) == (spread.body, 7, 3)


async def test_the_preview_deals_sample_cards_and_stores_nothing(desk: Desk) -> None:
    spread = await desk.spread("celtic-cross")
    values = values_of((await desk.page.get(f"{SPREADS}/{spread.id}")).text)
    shown = await desk.page.post(f"{SPREADS}/preview", data={**values, "name_en": "A better cross"})
    assert shown.headers["hx-retarget"] == "#sheet" and "A better cross" in shown.text
    assert len(re.findall('class="spreadmap__day"', shown.text)) == 10
    lacking = await desk.page.post(f"{SPREADS}/preview", data={**values, "position_3_name_ar": ""})
    assert "hx-retarget" not in lacking.headers and "Missing texts: العربية 1" in plain(lacking.text)
    assert 'id="position_3_name_ar-error"' in lacking.text
    assert await desk.spread("celtic-cross") == spread


async def test_spreads_are_ordered_by_their_buttons(desk: Desk) -> None:
    order = await desk.slugs()
    first = await desk.spread(order[0])
    await desk.page.post(f"{SPREADS}/{first.id}/move", data={"to": "up"})
    assert await desk.slugs() == order
    await desk.page.post(f"{SPREADS}/{first.id}/move", data={"to": "down"})
    assert await desk.slugs() == [order[1], order[0], *order[2:]]


@pytest.mark.parametrize(("act", "gone"), [("remove:2", "position_3_key"), ("start:1", ""), ("nonsense:9", "")])
async def test_odd_presses_do_no_harm(desk: Desk, act: str, gone: str) -> None:
    spread = await desk.spread("three")
    values = values_of((await desk.page.get(f"{SPREADS}/{spread.id}")).text)
    answer = await desk.page.post(f"{SPREADS}/form", data={**values, "act": act, "position_1_x": "much"})
    after = values_of(answer.text)
    assert answer.status_code == 200 and not (gone and gone in after)
    assert after["position_1_key"] == values["position_1_key"]
