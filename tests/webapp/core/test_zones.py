"""Time zones as people choose them, and the settings where they do."""

from __future__ import annotations

from datetime import UTC, datetime

from backend.infra.formatting import zone_city
from backend.kernel.text import Locale
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import plain
from webapp.core.zones import zone_choice, zones_part

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_zone_is_known_by_its_city_and_the_hour_there() -> None:
    assert [zone_city("Asia/Damascus", locale) for locale in (Locale.EN, Locale.AR, Locale.RU)] == [
        "Damascus", "دمشق", "Дамаск",
    ]  # fmt: skip
    assert zone_city("America/Argentina/Buenos_Aires", Locale.EN) == "Buenos Aires"
    assert zone_city("UTC", Locale.AR) == "UTC"
    assert zone_choice("Asia/Damascus", Locale.EN, NOON).label == "Damascus\u00a0· 15:00"


def test_each_city_is_there_once_and_the_chosen_zone_in_any_case() -> None:
    part = zones_part("Europe/Kiev", Locale.EN, NOON)
    names = [zone.name for zone in part.zones]
    assert "Europe/Kiev" in names and "Europe/Kyiv" not in names and len(names) == len(set(names)) > 400
    assert [zone.label for zone in part.zones] == sorted(
        (zone.label for zone in part.zones), key=lambda label: label.split("\u00a0")[0].casefold()
    )
    assert zones_part("Etc/GMT+3", Locale.EN, NOON).zones[0].name == "Etc/GMT+3", "what is stored stays"
    assert "localtime" not in names and not any(name.startswith("Etc/") for name in names)
    assert zones_part("../etc/passwd", Locale.EN, NOON).zones == zones_part("", Locale.EN, NOON).zones


async def test_a_zone_is_chosen_in_the_settings_and_left_to_the_device_again(visitor: MakeVisitor) -> None:
    omar = visitor()
    page = await omar.get("/me/settings", headers={"X-Timezone": "Europe/Moscow"})
    assert "Time zone Moscow" in plain(page.text) and "Set by your device" in page.text
    sheet = await omar.get("/me/settings/timezone")
    assert '<option value="Europe/Moscow" selected>Moscow' in sheet.text and "As on my device" not in sheet.text
    assert '<option value="Europe/Moscow" selected>' in (await omar.get("/me/settings/zones")).text
    chosen = await omar.post("/me/settings/timezone", data={"timezone": "Asia/Damascus"})
    assert "Time zone Damascus" in plain(chosen.text) and "You chose it." in chosen.text
    assert "As on my device" in (await omar.get("/me/settings/timezone")).text
    refused = await omar.post("/me/settings/timezone", data={"timezone": "Mars/Olympus"})
    assert refused.status_code == 422 and "Choose a time zone." in refused.text
    left = await omar.post("/me/settings/timezone", data={"timezone": ""})
    assert "Time zone Damascus" in plain(left.text) and "Set by your device" in left.text
    again = visitor()
    assert "Moscow" in (await again.get("/me/settings", headers={"X-Timezone": "Europe/Moscow"})).text


async def test_a_zone_that_no_device_reported_is_the_shops(visitor: MakeVisitor) -> None:
    for reported in ("", "GMT+3", "../etc/passwd", "Etc/Unknown"):
        page = await visitor(77).get("/me/settings", headers={"X-Timezone": reported})
        assert "Your device didn't report one" in plain(page.text), reported
