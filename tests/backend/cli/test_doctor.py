"""``souk doctor`` names what is wrong with a deployment, one line each, and what mends it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from click.testing import Result

from backend.bootstrap import PROVIDERS, Services
from backend.cli.doctor import POLICY
from backend.infra.embedded import database_address, free_port
from backend.readings.domain import privacy
from tests.backend.cli.conftest import Souk
from tests.bot.telegram import Telegram, telegram_running
from tests.factories.catalog import add_variant
from tests.factories.readings import add_reader
from tests.fakes.evm import XPUB
from tests.fakes.model_server import DONE, MODEL, ModelServer, Play, refusal, say, whole

HTTPS = {"PUBLIC_URL": "https://shop.example.org"}


def lines(result: Result, subject: str) -> list[str]:
    """What was said about ``subject``: state and text."""
    listed = []
    for line in result.output.splitlines():
        state, _, rest = line.partition(" ")
        if rest.strip().startswith(f"{subject} "):
            listed.append(f"{state} {rest.strip().removeprefix(subject).strip()}")
    return listed


@pytest.fixture(scope="module")
async def shared_telegram() -> AsyncIterator[Telegram]:
    """One simulator for all tests that reset it."""
    async with telegram_running() as running:
        yield running


@pytest.fixture
async def telegram(shared_telegram: Telegram) -> Telegram:
    """A Bot API that knows the bot."""
    await shared_telegram.reset()
    return shared_telegram


@pytest.fixture
def healthy(telegram: Telegram, tmp_path: Path, services: Services) -> dict[str, str]:
    """A deployment in which nothing is wrong."""
    run = tmp_path / "run"
    run.mkdir()
    for name in ("worker", "bot"):
        (run / f"{name}-host.heartbeat").touch()
    return {**HTTPS, "TELEGRAM_API_URL": telegram.url, "DATA_DIR": str(tmp_path), "ADMIN_USERNAME": "nadia_souk"}


async def test_nothing_is_wrong(souk: Souk, healthy: dict[str, str]) -> None:
    result = await souk("doctor", **healthy)
    assert result.exit_code == 0, result.output
    states = {line.split()[0] for line in result.output.splitlines()}
    assert states == {"ok", "off"}, result.output
    for subject in (
        "database",
        "migrations",
        "redis",
        "master keys",
        "bot token",
        "data",
        "worker process",
        "pay: demo",
    ):
        assert len(lines(result, subject)) == 1, subject
    assert "https://shop.example.org/hooks/demo" in lines(result, "pay: demo")[0]
    names = {spec.name for spec in PROVIDERS if lines(result, f"pay: {spec.name}")}
    assert names == {spec.name for spec in PROVIDERS}


async def test_what_is_off_says_what_it_needs(souk: Souk, healthy: dict[str, str]) -> None:
    result = await souk("doctor", **healthy)
    assert lines(result, "pay: deposit") == ["off off; it needs DEPOSIT_INSTRUCTIONS"]
    on = await souk("doctor", **healthy, DEPOSIT_INSTRUCTIONS="Send it")
    assert lines(on, "pay: deposit") == ["ok on", f"note {POLICY}"]
    assert on.exit_code == 0, "a risk is told, and is no fault"


async def test_a_method_that_is_half_configured(souk: Souk, healthy: dict[str, str]) -> None:
    halves = [spec for spec in PROVIDERS if len(spec.needs) > 1]
    assert halves
    for spec in halves:
        result = await souk("doctor", **healthy, **{spec.needs[0]: "https://x.example"})
        if "half" in result.output:
            assert f"set {', '.join(spec.needs[1:])}" in lines(result, f"pay: {spec.name}")[0]
            assert result.exit_code == 1
            return
    pytest.fail("no way could be half configured")


async def test_no_payment_method(souk: Souk, healthy: dict[str, str]) -> None:
    result = await souk("doctor", **healthy, DEMO_PAYMENTS="0")
    assert result.exit_code == 1
    assert lines(result, "payments") == ["wrong no payment method is enabled: wallets cannot be topped up"]


async def test_database_and_redis_are_away(souk: Souk, healthy: dict[str, str]) -> None:
    """One that is away does not keep the others from being looked at; no secret is repeated."""
    away = {"DATABASE_URL": "postgresql://souk:hunter2@127.0.0.1:1/souk", "REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"}
    result = await souk("doctor", **{**healthy, **away})
    assert result.exit_code == 1
    assert "check DATABASE_URL" in lines(result, "database")[0]
    assert "check REDIS_URL" in lines(result, "redis")[0]
    assert lines(result, "bot token")[0].startswith("ok @")
    assert "hunter2" not in result.output and "Traceback" not in result.output


async def test_a_database_that_is_not_migrated(souk: Souk, healthy: dict[str, str], postgres_server: str) -> None:
    connection = await asyncpg.connect(postgres_server)
    try:
        await connection.execute("CREATE DATABASE fresh")
        result = await souk("doctor", **healthy, DATABASE_URL=database_address(postgres_server, "fresh"))
    finally:
        await connection.execute("DROP DATABASE IF EXISTS fresh WITH (FORCE)")
        await connection.close()
    assert (result.exit_code, lines(result, "migrations")) == (1, ["wrong not up to date: run `souk migrate`"])


async def test_a_database_that_knows_latin_letters_only(
    souk: Souk, healthy: dict[str, str], postgres_server: str
) -> None:
    assert lines(await souk("doctor", **healthy), "locale")[0].startswith("ok C.UTF-8 (builtin)")
    connection = await asyncpg.connect(postgres_server)
    try:
        await connection.execute("CREATE DATABASE latin TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")
        result = await souk("doctor", **healthy, DATABASE_URL=database_address(postgres_server, "latin"))
    finally:
        await connection.execute("DROP DATABASE IF EXISTS latin WITH (FORCE)")
        await connection.close()
    (line,) = lines(result, "locale")
    assert line.startswith("note C: ") and "dump and restore" in line and "README.md" in line


async def test_a_currency_that_was_changed(souk: Souk, healthy: dict[str, str], services: Services) -> None:
    assert lines(await souk("doctor", **healthy, SHOP_CURRENCY="EUR"), "SHOP_CURRENCY") == ["ok EUR"]
    await add_variant(services.catalog)
    result = await souk("doctor", **healthy, SHOP_CURRENCY="EUR")
    (line,) = lines(result, "SHOP_CURRENCY")
    assert (result.exit_code, line.startswith("wrong ")) == (1, True)
    assert "set SHOP_CURRENCY=USD" in line


async def test_a_token_that_telegram_does_not_know_and_a_telegram_that_is_silent(
    souk: Souk, healthy: dict[str, str]
) -> None:
    wrong = await souk("doctor", **healthy, BOT_TOKEN="7000000009:hunter2hunter2hunter2hunter2hunter2")
    assert (wrong.exit_code, "@BotFather" in lines(wrong, "bot token")[0]) == (1, True)
    silent = await souk("doctor", **{**healthy, "TELEGRAM_API_URL": "http://127.0.0.1:1"})
    assert (silent.exit_code, "connect to 127.0.0.1" in lines(silent, "bot token")[0]) == (1, True)
    assert "hunter2" not in wrong.output + silent.output


async def test_plain_http_is_told(souk: Souk, healthy: dict[str, str]) -> None:
    result = await souk("doctor", **{**healthy, "PUBLIC_URL": "http://shop.example.org"})
    assert lines(result, "PUBLIC_URL")[0].startswith("note http://shop.example.org is not https")


async def test_lost_and_old_master_keys(souk: Souk, healthy: dict[str, str], services: Services) -> None:
    async with services.uow() as tx:
        await services.ring.create(tx, "stock")
    old, new = services.settings.master_keys, "k2:" + "B" * 43 + "="
    rotating = await souk("doctor", **healthy, MASTER_KEYS=f"{new},{old}")
    assert lines(rotating, "master keys") == ["note 1 data keys use an older master key: run `souk keys rotate`"]
    assert rotating.exit_code == 0
    for lost in (new, "k1:" + "B" * 43 + "="):
        result = await souk("doctor", **healthy, MASTER_KEYS=lost)
        assert lines(result, "master keys")[0].startswith("wrong secrets protected by k1 cannot be decrypted")
        assert result.exit_code == 1


async def test_a_folder_that_cannot_be_written(souk: Souk, healthy: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = await souk("doctor", **{**healthy, "DATA_DIR": str(tmp_path / "file" / "data")})
    assert "set DATA_DIR" in lines(result, "data")[0]
    assert result.exit_code == 1


async def test_processes_that_do_not_run(souk: Souk, healthy: dict[str, str], tmp_path: Path) -> None:
    os.utime(tmp_path / "run" / "worker-host.heartbeat", (0, 0))
    result = await souk("doctor", **healthy)
    assert lines(result, "worker process") == ["note not running on this DATA_DIR: start it with `souk worker`"]
    assert lines(result, "bot process")[-1] == "ok running"


async def test_wrong_settings_are_one_line(souk: Souk) -> None:
    result = await souk("doctor", SECRET_KEY="")
    assert (result.exit_code, result.output) == (2, "souk: SECRET_KEY is not set; .env.example says what it is\n")


async def test_an_evm_node_that_does_not_answer_is_named(souk: Souk, healthy: dict[str, str]) -> None:
    chain = {"USDT_EVM_RPC_URLS": f"http://127.0.0.1:{free_port()}/a,http://127.0.0.1:{free_port()}/b"}
    result = await souk("doctor", **healthy, **chain, USDT_EVM_XPUB=XPUB)
    notes = lines(result, "pay: usdt_evm")
    assert [line for line in notes if "node 1 of USDT_EVM_RPC_URLS does not answer" in line], result.output
    assert "note 0 of 2 nodes stand together, 2 must: until they do, no payment is opened or credited" in notes


async def test_no_contact_is_worth_a_note(souk: Souk, healthy: dict[str, str]) -> None:
    result = await souk("doctor", **healthy | {"ADMIN_USERNAME": ""})
    assert result.exit_code == 0
    assert lines(result, "contact")[0].startswith("note none: set ADMIN_USERNAME")


MODEL_LINES = {
    "good": (whole("The Star stands for hope."), {}, "ok oracle-1 answered in"),
    "another model": (whole("The Star stands for hope."), {"READING_MODEL": "oracle-2"}, "note oracle-1 answered in"),
    "another language": (whole("Звезда означает надежду."), {}, "note oracle-1 answered in"),
    "no finish_reason": (Play([say("The Star stands for hope.")]), {}, "wrong it answers without a finish_reason"),
    "no finish_reason, lenient": (
        Play([say("The Star stands for hope.")]), {"READING_STRICT_FINISH": "0"}, "ok oracle-1 answered in",
    ),
    "wrong key": (refusal(401, {"error": {"message": "bad key"}}), {}, "wrong oracle-1: api.auth 401 bad key"),
    "nothing": (Play([DONE]), {}, "wrong oracle-1: api.empty"),
}  # fmt: skip


@pytest.mark.parametrize(("play", "more", "line"), MODEL_LINES.values(), ids=MODEL_LINES)
async def test_the_model_of_readings_is_tried(
    souk: Souk, healthy: dict[str, str], play: Play, more: dict[str, str], line: str
) -> None:
    async with ModelServer(play).serving() as url:
        settings = {"READING_MODEL_URL": url, "READING_MODEL": MODEL, "READING_MODEL_KEYS": "sk-one"}
        result = await souk("doctor", **healthy, **(settings | more))
    (text,) = lines(result, "reading model")
    assert text.startswith(line)
    assert result.exit_code == (1 if line.startswith("wrong") else 0)


async def test_without_a_model_the_built_in_interpreter_is_named(souk: Souk, healthy: dict[str, str]) -> None:
    result = await souk("doctor", **healthy)
    assert lines(result, "reading model")[0].startswith("off none, so the built-in interpreter")


async def test_readings_that_cannot_be_opened(souk: Souk, healthy: dict[str, str], services: Services) -> None:
    assert lines(await souk("doctor", **healthy), "readings") == ["ok all questions and texts can be opened"]
    async with services.uow() as tx:
        await privacy.sealer(tx, services.ring, await add_reader(tx))
    lost = await souk("doctor", **healthy, MASTER_KEYS="k2:" + "B" * 43 + "=")
    assert lines(lost, "readings")[0].startswith("wrong 1 keys of people's readings are missing")
