"""Secrets never reach the logs, by whatever road they come; files turn daily and stay for a week."""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import structlog

from backend.infra.logging import scrub, setup_command_logging, setup_logging
from backend.infra.settings import Settings

TOKEN = "7000000001:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
INIT_DATA = (
    "query_id=AAH&user=%7B%22id%22%3A5%7D&auth_date=1795250152&signature=sIgNaTuRe_0123456789-abcdefghijklmnop"
    "&hash=c501b71e775f74ce10e377dea85a7ea24ecd640b223ea86dfe453e0eaed2e2b2"
)
SECRETS = {
    TOKEN: "AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc",
    f"POST https://api.telegram.org/bot{TOKEN}/sendMessage": "AAEhBOweik6ad9r",
    f"https://api.telegram.org/file/bot{TOKEN}/photos/file_1.jpg failed": "AAEhBOweik6ad9r",
    f"path=/?tgWebAppData={INIT_DATA}": "c501b71e775f74ce",
    f"{INIT_DATA} was refused": "sIgNaTuRe_0123456789",
    "Authorization: Bearer eyJhY3QiOiI1In0.aSZQ.c2VjcmV0c2lnbmF0dXJl": "c2VjcmV0c2lnbmF0dXJl",
    "authorization: bearer eyJhY3QiOiI1In0.aSZQ.c2VjcmV0c2lnbmF0dXJl": "eyJhY3QiOiI1In0",
    f"{{'authorization': 'tma {INIT_DATA}'}}": "c501b71e775f74ce",
    f"TMA {INIT_DATA}": "query_id=AAH",
    "cannot reach postgresql://souk:hunter2@db.example.org:5432/souk": "hunter2",
    "cannot reach redis://:hunter2@cache:6379/0": "hunter2",
    "postgresql+asyncpg://souk:p%40ss%2Fhunter2@db/souk?ssl=require": "hunter2",
    "MASTER_KEYS=k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}

SetUp = Callable[..., io.StringIO]


@pytest.fixture
def set_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetUp]:
    """Sets logging up as a process does; what it would write to stderr can be read from what it returns."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stderr = io.StringIO()

    def make(process: str = "web", **changes: object) -> io.StringIO:
        monkeypatch.setattr(sys, "stderr", stderr)
        setup_logging(msgspec.structs.replace(settings, **({"log_format": "json"} | changes)), process)  # type: ignore[arg-type]
        return stderr

    yield make
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize(("text", "secret"), SECRETS.items())
@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "road", ["event", "field", "nested", "object", "bytes", "stdlib", "exception", "stdlib_exception"]
)
def test_secrets_are_hidden_on_every_road(set_up: SetUp, text: str, secret: str, form: str, road: str) -> None:
    written = set_up(log_format=form)
    ours, theirs = structlog.get_logger("ours"), logging.getLogger("theirs")

    match road:
        case "event":
            ours.info(text)
        case "field":
            ours.info("something", detail=text)
        case "nested":
            ours.info("something", detail={"a": [{"b": (text,)}]})
        case "object":
            ours.info("something", error=ValueError(text))
        case "bytes":
            ours.info("something", detail=text.encode())
        case "stdlib":
            theirs.warning("something: %s", text)
        case "exception":
            try:
                raise ValueError(text)
            except ValueError:
                ours.exception("something")
        case _:
            try:
                raise ValueError(text)
            except ValueError:
                theirs.exception("something")

    out = written.getvalue()
    assert secret not in out
    assert "[hidden]" in out
    if road == "exception":
        assert "ValueError" in out and "Traceback" in out


SETTINGS_SECRETS = {
    "bot_token": "7:short-but-secret",
    "secret_key": "it signs every session and every link",
    "master_keys": "k2:c2VjcmV0LW9mLW5vIGtub3duIHNoYXBl, k1:YW5vdGhlci1zZWNyZXQtb2YtYWdlcw==",
    "bot_webhook_secret": "webhook_secret_word",
    "database_url": "postgresql://souk:p4ss-w0rd@db/souk",
    "redis_url": "redis://:r3dis-w0rd@cache/0",
}
NEVER_LOGGED = (
    "short-but-secret", "signs every session", "c2VjcmV0LW9mLW5v", "YW5vdGhlci1zZWNy", "webhook_secret_word",
    "p4ss-w0rd", "r3dis-w0rd",
)  # fmt: skip


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_exception_tells_the_settings(set_up: SetUp, settings: Settings, form: str) -> None:
    written = set_up(log_format=form, **SETTINGS_SECRETS)
    secret_settings = msgspec.structs.replace(settings, **SETTINGS_SECRETS)

    def broken(local: Settings) -> None:
        key, token = local.secret_key, local.bot_token
        raise RuntimeError(f"cannot sign with {key} for {token}: {local!r}")

    for log in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            broken(secret_settings)
        except RuntimeError:
            log.exception(f"failed: {secret_settings.bot_webhook_secret}")
    structlog.get_logger().info("started", settings=secret_settings)

    out = written.getvalue()
    assert out.count("Traceback") == 2
    assert out.count("cannot sign with [hidden]") == 2
    assert not [secret for secret in NEVER_LOGGED if secret in out]


@pytest.mark.parametrize("form", ["json", "console"])
def test_tracebacks_come_without_local_variables(set_up: SetUp, form: str) -> None:
    written = set_up(log_format=form)

    def broken() -> None:
        basket = "nine pomegranates".upper()
        raise ValueError(len(basket))

    for log in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            broken()
        except ValueError:
            log.exception("failed")

    assert written.getvalue().count("ValueError: 17") == 2
    assert "POMEGRANATES" not in written.getvalue()


def test_a_command_says_warnings_only_and_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    handlers = logging.getLogger().handlers[:]
    logging.getLogger().handlers.clear()
    setup_command_logging()
    try:
        basket = "nine pomegranates".upper()
        structlog.get_logger("backend").info("quiet")
        try:
            raise ValueError(len(basket))
        except ValueError:
            structlog.get_logger("backend").exception("loud", token=TOKEN)
    finally:
        logging.getLogger().handlers[:] = handlers
        structlog.reset_defaults()

    output = capsys.readouterr()
    assert output.out == ""
    assert "loud" in output.err and "ValueError: 17" in output.err
    assert not [word for word in ("quiet", "POMEGRANATES", TOKEN) if word in output.err]


@pytest.mark.parametrize(
    "name",
    [
        "token", "bot_token", "X-Session-Token", "secret_key", "client_secret", "password", "init_data", "initData",
        "Authorization", "master_keys", "plaintext", "ciphertext", "api_key", "cookie", "signature",
    ],
)  # fmt: skip
def test_fields_named_like_secrets_are_blanked(set_up: SetUp, name: str) -> None:
    written = set_up()

    structlog.get_logger().info("something", **{name: "open sesame"}, headers={name: "open sesame"}, plain="yes")

    entry = json.loads(written.getvalue())
    assert entry[name] == "[hidden]"
    assert entry["headers"] == {name: "[hidden]"}
    assert entry["plain"] == "yes"


def test_what_is_no_secret_stays() -> None:
    for text in (
        "order S-4K7Q2M paid, 14.40 USD",
        "2026-11-21T08:30:18Z took 0:00:01.5",
        "https://shop.example.org:8443/orders/S-4K7Q2M?page=2",
        "hash=short",
        "user 7000000001: blocked",
        "019ab8c0-7b7c-7def-8abc-0123456789ab",
    ):
        assert scrub(text) == text


def test_a_line_says_when_where_and_what(set_up: SetUp) -> None:
    written = set_up("worker")

    with structlog.contextvars.bound_contextvars(job="42"):
        structlog.get_logger("backend.infra.runner").info("job.done", seconds=0.5)

    entry = json.loads(written.getvalue())
    assert entry.items() >= {
        "event": "job.done", "level": "info", "logger": "backend.infra.runner", "process": "worker", "job": "42",
        "seconds": 0.5,
    }.items()  # fmt: skip
    assert entry["timestamp"].endswith("Z")


def test_the_level_holds(set_up: SetUp) -> None:
    written = set_up(log_level="warning")

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert "quiet" not in written.getvalue()
    assert "loud" in written.getvalue()


def test_a_log_folder_gets_a_file_for_each_process(set_up: SetUp, tmp_path: Path) -> None:
    set_up("bot", log_dir=str(tmp_path / "logs"), log_format="console")

    structlog.get_logger().info("started", bot_token=TOKEN)

    entry = json.loads((tmp_path / "logs" / "bot.log").read_text())
    assert entry["event"] == "started"
    assert entry["bot_token"] == "[hidden]"


def test_files_turn_daily_and_seven_are_kept(set_up: SetUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up("web", log_dir=str(tmp_path))
    handler = next(h for h in logging.getLogger().handlers if isinstance(h, logging.handlers.TimedRotatingFileHandler))
    clock = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    monkeypatch.setattr("logging.handlers.time.time", lambda: clock.timestamp())  # noqa: PLW0108 - it moves
    handler.rolloverAt = handler.computeRollover(int(clock.timestamp()))

    for day in range(12):
        structlog.get_logger().info("day", number=day)
        clock += timedelta(days=1)
    structlog.get_logger().info("day", number=12)

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files[0] == "web.log"
    assert len(files) == 1 + 7
    assert json.loads((tmp_path / "web.log").read_text())["number"] == 12
    numbers = [json.loads((tmp_path / name).read_text())["number"] for name in files[1:]]
    assert numbers == [5, 6, 7, 8, 9, 10, 11]


# Settings that a log line may repeat. One that is new belongs here, or to the secrets of backend/infra/logging.py.
OPEN_SETTINGS = frozenset({
    "public_url", "admin_username", "shop_name", "shop_currency", "default_language", "default_timezone",
    "support_url", "bot_url", "telegram_api_url", "telegram_script_url", "telegram_frame_ancestors",
    "telegram_ed25519_key", "host", "metrics_host", "trusted_proxies", "star_price", "deposit_instructions",
    "usdt_price", "usdt_evm_contract", "usdt_evm_network", "usdt_evm_confirmations", "usdt_tron_contract",
    "usdt_ton_address", "usdt_ton_master", "crypto_pay_url", "stripe_api_url", "paypal_client_id", "paypal_webhook_id",
    "paypal_url", "log_level", "log_format", "log_dir", "data_dir", "reading_model", "reading_price_in",
    "reading_price_out", "reading_help_lines", "reading_help_lines_ar", "reading_help_lines_ru",
})  # fmt: skip
# Addresses that people are given with a password or a key in them.
KEYED_ADDRESSES = {
    "reading_model_url": "https://:{}@models.example.org/v1",
    "database_url": "postgresql://souk:{}@db.example.org/souk",
    "redis_url": "rediss://:{}@cache.example.org/0",
    "usdt_evm_rpc_urls": "https://one.example.org/v3/{}, https://two.example.org/rpc?network=ethereum&dkey={}-2",
    "usdt_tron_url": "https://tron.example.org/{}/",
    "usdt_ton_url": "https://user:{}@ton.example.org/api",
    "master_keys": "k1:{}",
}


def test_every_setting_is_open_or_a_secret(set_up: SetUp) -> None:
    texts = {field.encode_name.lower() for field in msgspec.structs.fields(Settings) if "str" in str(field.type)}
    closed = sorted(texts - OPEN_SETTINGS)
    assert texts >= OPEN_SETTINGS
    assert "usdt_tron_api_key" in closed
    secrets = {name: f"opens-much-{name}" for name in closed}
    written = set_up(**{name: KEYED_ADDRESSES.get(name, "{}").replace("{}", secrets[name]) for name in closed})
    for name, secret in secrets.items():
        # Under a name that says nothing, and in the middle of other words.
        structlog.get_logger("ours").info("called", place=f"/{name[0]}/{secret}-2/call", word=f"is {secret}")
    assert [name for name, secret in secrets.items() if secret in written.getvalue()] == []


def test_the_plain_parts_of_an_address_are_told(set_up: SetUp) -> None:
    written = set_up(usdt_evm_rpc_urls="https://rpc.example.org/v3/0123456789abcdef01234567?network=ethereum")
    structlog.get_logger("ours").info(
        "called", url="https://rpc.example.org/v3/0123456789abcdef01234567?network=ethereum"
    )
    assert "https://rpc.example.org/v3/[hidden]?network=ethereum" in written.getvalue()
