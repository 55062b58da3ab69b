"""Settings that change while the shop runs: what they may be, and how every process hears of a change."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bootstrap import Services, build
from backend.identity.types import Actor
from backend.infra import live_settings
from backend.infra.environment import load_settings
from backend.infra.live_settings import REGISTRY, LiveSettings, Unit
from backend.infra.settings import Settings, SettingsError
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork

SYSTEM = Actor.system()


def plain(**changes: object) -> Settings:
    """Settings of a shop that nobody has changed."""
    needed = dict.fromkeys(("database_url", "redis_url", "bot_token", "public_url", "master_keys"), "x")
    return Settings(**needed, root_admin_id=1, secret_key="x" * 32, **changes)  # type: ignore[arg-type]


def test_every_setting_is_a_variable_with_a_default_that_it_allows() -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(Settings)}
    for name, setting in REGISTRY.items():
        assert setting.parse(str(fields[name].default)) == fields[name].default
    secret = {"BOT_TOKEN", "MASTER_KEYS", "SECRET_KEY", "DATABASE_URL", "PUBLIC_URL"}
    assert not secret & set(REGISTRY)


@pytest.mark.parametrize(
    ("name", "value", "limits"),
    [
        ("RESERVATION_ORDERS", "0", "from 1 to 100"),
        ("RESERVATION_ORDERS", "101", "from 1 to 100"),
        ("RESERVATION_SHARE", "2.5", "from 1 to 100"),
        ("RESERVATION_KEYS", "", "from 1 to 1000"),
        ("ORDER_RESERVATION", "2592001", "from 1 to 2592000"),
        ("ADJUSTMENT_LIMIT", "-1", "from 0 to"),
        ("ADMIN_USERNAME", "not a name", "characters"),
        ("SUPPORT_URL", "javascript:alert(1)", "characters"),
        ("SUPPORT_URL", "https://" + "a" * 200, "at most 200"),
        ("TOP_UP_MAXIMUM", "5", "TOP_UP_MAXIMUM must not be below TOP_UP_MINIMUM"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_its_limits(name: str, value: str, limits: str) -> None:
    with pytest.raises(SettingsError, match=limits) as refused:
        live_settings.with_change(plain(top_up_minimum=10), name, value)
    assert name in str(refused.value)


@given(st.sampled_from(sorted(REGISTRY)), st.integers(-(10**13), 10**13) | st.text(max_size=40))
def test_what_is_allowed_is_allowed_again_as_it_is_written_down(name: str, value: object) -> None:
    try:
        changed = live_settings.with_change(plain(), name, str(value))
    except SettingsError:
        return
    written = live_settings.text_of(changed, name)
    assert live_settings.with_change(plain(), name, written) == changed
    if REGISTRY[name].unit is not Unit.TEXT:
        assert REGISTRY[name].minimum <= int(written) <= REGISTRY[name].maximum


def test_a_stored_value_that_is_not_allowed_any_more_is_left_out_and_the_others_count() -> None:
    stored = {"RESERVATION_ORDERS": "1000", "RESERVATION_KEYS": "7"}
    assert live_settings.with_changes(plain(), stored) == plain(reservation_keys=7)
    conflicting = {"TOP_UP_MAXIMUM": "5", "RESERVATION_KEYS": "7"}
    expected = plain(top_up_minimum=10, reservation_keys=7)
    assert live_settings.with_changes(plain(top_up_minimum=10), conflicting) == expected


def test_the_environment_has_the_same_bounds(settings: Settings) -> None:
    environ = {"ORDER_RESERVATION": "2592001"}
    known = {
        name.upper(): str(value) for name, value in msgspec.to_builtins(settings).items() if value not in ("", False)
    }
    with pytest.raises(SettingsError, match="ORDER_RESERVATION"):
        load_settings({**known, **environ})


@pytest.fixture
async def two(settings: Settings, committed_db: None) -> AsyncIterator[tuple[Services, Services]]:
    """Two processes on one database, both listening."""
    async with AsyncExitStack() as stack:
        pair = (build(settings), build(settings))
        for services in pair:
            await stack.enter_async_context(services.running())
        yield pair


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_every_process_hears_of_a_change_and_of_its_end(two: tuple[Services, Services]) -> None:
    here, there = two
    await _until(lambda: there.signals.connected)
    await here.shop_settings.change(SYSTEM, "RESERVATION_ORDERS", "7")
    assert here.live.current.reservation_orders == 7
    await _until(lambda: there.live.current.reservation_orders == 7)
    await there.shop_settings.reset(SYSTEM, "RESERVATION_ORDERS")
    await _until(lambda: here.live.current == here.settings)


async def test_a_change_that_was_missed_is_read_on_reconnecting(two: tuple[Services, Services]) -> None:
    here, there = two
    await _until(lambda: there.signals.connected)
    async with here.uow.read() as tx:
        # Nothing signals this, as if the signal had been lost.
        await tx.execute(
            live_settings.insert(live_settings.ChangedSetting).values(
                name="RESERVATION_KEYS", value="5", changed_at=tx.now
            )
        )
    there.signals._gap()
    await _until(lambda: there.live.current.reservation_keys == 5)


async def test_a_process_that_starts_later_has_the_changes(services: Services, settings: Settings) -> None:
    await services.shop_settings.change(SYSTEM, "SUPPORT_URL", "https://t.me/help")
    later = build(settings)
    async with later.running(listen=False):
        assert later.live.current.support_link == "https://t.me/help"
        assert later.settings == settings


async def test_a_process_starts_while_the_database_is_away(settings: Settings) -> None:
    away = msgspec.structs.replace(settings, database_url="postgresql://souk@127.0.0.1:1/souk")
    services = build(away)
    async with services.running(listen=False):
        assert services.live.current == away


async def test_an_older_answer_does_not_replace_a_newer_one(
    uow: UnitOfWork, settings: Settings, engine: object
) -> None:
    live = LiveSettings(settings, uow, Signals(engine, settings.database_url))  # type: ignore[arg-type]
    async with uow() as tx:
        await live_settings.store_change(tx, "RESERVATION_KEYS", "4")
    await asyncio.gather(live.refresh(), live.refresh())
    assert live.current.reservation_keys == 4


def test_the_example_says_which_variables_can_be_changed_live() -> None:
    text = (Path(__file__).parents[3] / ".env.example").read_text()
    blocks = text.split("\n\n")
    marked = {name for block in blocks if "Live" in block for name in re.findall("^([A-Z_]+)=", block, re.MULTILINE)}
    assert marked == set(REGISTRY)
