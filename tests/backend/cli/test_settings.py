"""``souk settings``: a change from the command line reaches the running shop."""

from __future__ import annotations

from backend.bootstrap import Services
from tests.backend.cli.conftest import Souk


async def test_a_setting_is_set_listed_reset_and_remembered(souk: Souk, services: Services) -> None:
    done = await souk("settings", "set", "reservation_orders", "7")
    assert (done.exit_code, done.output) == (0, "RESERVATION_ORDERS is 7 in every process now.\n")
    await services.live.refresh()
    assert services.live.current.reservation_orders == 7
    listed = (await souk("settings", "list")).output
    assert "RESERVATION_ORDERS" in listed and "7 (changed)" in listed
    assert (await souk("settings", "reset", "RESERVATION_ORDERS")).exit_code == 0
    history = (await souk("settings", "history", "RESERVATION_ORDERS")).output
    assert "command line" in history and "3 (from .env)" in history


async def test_a_wrong_value_is_one_line_that_names_the_limit(souk: Souk, services: Services) -> None:
    done = await souk("settings", "set", "RESERVATION_ORDERS", "101")
    assert (done.exit_code, done.output) == (1, "souk: RESERVATION_ORDERS must be a whole number from 1 to 100\n")
    assert (await souk("settings", "set", "SECRET_KEY", "x")).exit_code == 2
