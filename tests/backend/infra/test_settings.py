"""Every missing or wrong variable is named in one line, and no line gives a secret away."""

from __future__ import annotations

import msgspec
import pytest

from backend.infra.environment import load_settings
from backend.infra.settings import Environment, Settings, SettingsError

TOKEN = "7000000001:AAE-this_part_is_the_secret_of_the_bot"
GOOD = {
    "DATABASE_URL": "postgresql://souk:hunter2secret@db.example.org:5432/souk",
    "REDIS_URL": "redis://:redissecret@cache.example.org:6379/0",
    "BOT_TOKEN": TOKEN,
    "ROOT_ADMIN_ID": "123456789",
    "PUBLIC_URL": "https://shop.example.org",
    "MASTER_KEYS": "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "SECRET_KEY": "signing-secret-of-thirty-two-characters",
}


def refusal(**changes: str | None) -> str:
    environ = {name: value for name, value in (GOOD | changes).items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_required_variables_are_enough() -> None:
    settings = load_settings(GOOD)

    assert settings.production
    assert settings.root_admin_id == 123456789
    assert settings.bot_id == 7000000001
    assert settings.telegram_api_url == "https://api.telegram.org"
    assert not settings.demo_payments
    assert not settings.bot_webhook


def test_what_is_required_here_is_what_is_required_there() -> None:
    required = {field.encode_name for field in msgspec.structs.fields(Settings) if field.required}

    assert required == set(GOOD)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    assert refusal(**{name: value}) == f"{name} is not set; .env.example says what it is"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://souk@db/souk"),
        ("DATABASE_URL", "db.example.org"),
        ("DATABASE_URL", "postgresql://souk:pass[word@db/souk"),
        ("DATABASE_URL", "postgresql://souk:x@db:port/souk"),
        ("REDIS_URL", "http://cache:6379"),
        ("REDIS_URL", "cache:6379"),
        ("REDIS_URL", "redis://cache:6379/0?tls=1"),
        ("REDIS_URL", "redis://cache:6379/0?socket_timeout=soon"),
        ("BOT_TOKEN", "no-colon-at-all"),
        ("BOT_TOKEN", "12345:"),
        ("BOT_TOKEN", ":abc"),
        ("BOT_TOKEN", "١٢٣:abc"),
        ("BOT_TOKEN", "12 34:abc"),
        ("STAR_PRICE", "0"),
        ("STAR_PRICE", "0.000"),
        ("STAR_PRICE", "-0.013"),
        ("STAR_PRICE", "0,013"),
        ("STAR_PRICE", "1e3"),
        ("STAR_PRICE", "NaN"),
        ("STAR_PRICE", ".013"),
        ("STAR_PRICE", "٠.٠١٣"),
        ("STAR_PRICE", "0.0000000001"),
        ("ROOT_ADMIN_ID", "@seller"),
        ("ROOT_ADMIN_ID", "0"),
        ("ROOT_ADMIN_ID", "-5"),
        ("ROOT_ADMIN_ID", "1.5"),
        ("PUBLIC_URL", "shop.example.org"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://shop.example.org/app"),
        ("PUBLIC_URL", "https://shop.example.org?x=1"),
        ("PUBLIC_URL", "https://shop.example.org#top"),
        ("PUBLIC_URL", "https://name:word@shop.example.org"),
        ("PUBLIC_URL", "ftp://shop.example.org"),
        ("PUBLIC_URL", "http://shop.example.org"),
        ("PUBLIC_URL", "https://shop.example.org:port"),
        ("MASTER_KEYS", "k1:tooshort"),
        ("MASTER_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("MASTER_KEYS", "k1:AAAA!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("MASTER_KEYS", ","),
        ("MASTER_KEYS", f"{GOOD['MASTER_KEYS']},{GOOD['MASTER_KEYS']}"),
        ("SECRET_KEY", "short"),
        ("SOUK_ENV", "staging"),
        ("SHOP_CURRENCY", "usd"),
        ("SHOP_CURRENCY", "DOLLAR"),
        ("SHOP_CURRENCY", "XXX"),
        ("SHOP_CURRENCY", "XTS"),
        ("SHOP_CURRENCY", "XAU"),
        ("SHOP_CURRENCY", "XTR"),
        ("SHOP_CURRENCY", "DEM"),
        ("SHOP_CURRENCY", "HRK"),
        ("SHOP_CURRENCY", "USDT"),
        ("SHOP_CURRENCY", "ABC"),
        ("DEFAULT_LANGUAGE", "fr"),
        ("DEFAULT_TIMEZONE", "Mars/Olympus"),
        ("DEFAULT_TIMEZONE", "../etc/passwd"),
        ("TELEGRAM_API_URL", "api.telegram.org"),
        ("TELEGRAM_SCRIPT_URL", "telegram.org/js/telegram-web-app.js"),
        ("TELEGRAM_ED25519_KEY", "abc"),
        ("TELEGRAM_ED25519_KEY", "z" * 64),
        ("BOT_WEBHOOK", "maybe"),
        ("BOT_PORT", "0"),
        ("BOT_PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "-1"),
        ("WEB_WORKERS", "0"),
        ("WEB_WORKERS", "65"),
        ("METRICS_PORT", "99999"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,everybody"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("INIT_DATA_MAX_AGE", "0"),
        ("SESSION_LIFETIME", "a day"),
        ("ORDER_RESERVATION", "0"),
        ("DATABASE_POOL", "0"),
        ("DATABASE_POOL", "201"),
        ("DATABASE_POOL", "1E1"),
        ("DATABASE_POOL", "1.0"),
        ("PORT", "٨٠"),
        ("PORT", "8_080"),
        ("PORT", "+8080"),
        ("ROOT_ADMIN_ID", "5e8"),
        ("ROOT_ADMIN_ID", "9" * 40),
        ("USDT_EVM_DECIMALS", "6.000"),
        ("JOB_ATTEMPTS", "0"),
        ("DEMO_PAYMENTS", "1"),
        ("DEMO_PAYMENTS", "perhaps"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("SUPPORT_URL", "javascript:alert(1)"),
        ("BOT_URL", "my_shop_bot"),
        ("TOP_UP_MINIMUM", "-1"),
        ("TOP_UP_MINIMUM", "0.5"),
        ("TOP_UP_MAXIMUM", "1000000000001"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    message = refusal(**{name: value})

    assert message.startswith(name), message
    assert len(message) < 200


@pytest.mark.parametrize("name", [name.upper() for name in Settings.__struct_fields__ if name.endswith("_url")])
def test_every_address_is_one(name: str) -> None:
    for wrong in ("javascript:alert(1)", "ftp://api.example.org", "api.example.org"):
        assert refusal(**{name: wrong}).startswith(name)


def test_top_ups_have_a_range() -> None:
    assert refusal(TOP_UP_MINIMUM="50", TOP_UP_MAXIMUM="20").startswith("TOP_UP_MAXIMUM")
    assert load_settings(GOOD | {"TOP_UP_MINIMUM": "20", "TOP_UP_MAXIMUM": "20"}).top_up_maximum == 20


def test_a_webhook_needs_its_secret() -> None:
    assert refusal(BOT_WEBHOOK="1").startswith("BOT_WEBHOOK_SECRET")
    assert refusal(BOT_WEBHOOK="1", BOT_WEBHOOK_SECRET="fifteen-signs-x").startswith("BOT_WEBHOOK_SECRET")
    # Telegram takes these signs only, and would refuse the webhook.
    assert refusal(BOT_WEBHOOK="1", BOT_WEBHOOK_SECRET="a secret with spaces in it").startswith("BOT_WEBHOOK_SECRET")
    assert load_settings(GOOD | {"BOT_WEBHOOK": "1", "BOT_WEBHOOK_SECRET": "long-enough_secret"}).bot_webhook


def test_a_bot_api_server_of_ones_own_is_allowed() -> None:
    # Telegram's own telegram-bot-api may run beside the shop, inside a private network.
    assert load_settings(GOOD | {"TELEGRAM_API_URL": "http://telegram-bot-api:8081"}).production


@pytest.mark.parametrize("environment", [Environment.DEMO, Environment.TEST])
def test_outside_production_trying_out_is_allowed(environment: Environment) -> None:
    trying = {"SOUK_ENV": environment.value, "DEMO_PAYMENTS": "1", "PUBLIC_URL": "http://127.0.0.1:8080"}

    settings = load_settings(GOOD | trying)

    assert settings.demo_payments
    assert not settings.production


@pytest.mark.parametrize(
    "broken",
    [
        {"DATABASE_URL": "mysql://souk:hunter2secret@db/souk"},
        {"DATABASE_URL": "postgresql://souk:[hunter2secret@db/souk"},
        {"REDIS_URL": "http://:redissecret@cache"},
        {"BOT_TOKEN": "7000000001-AAE-this_part_is_the_secret_of_the_bot"},
        {"MASTER_KEYS": "k1:QUFBQUFBQUFBQUFBQUFB"},
        {"SECRET_KEY": "signing-secret-too-short"},
        {"BOT_WEBHOOK": "1", "BOT_WEBHOOK_SECRET": "tooshortsecret"},
        {"ROOT_ADMIN_ID": TOKEN},
        {"PUBLIC_URL": "https://name:hunter2secret@shop.example.org"},
    ],
)
def test_a_refusal_does_not_repeat_secrets(broken: dict[str, str]) -> None:
    message = refusal(**broken)

    for value in (GOOD | broken).values():
        assert len(value) < 10 or value not in message
    for secret in ("hunter2", "redissecret", "AAE-this", "QUFBQUFB", "signing-secret", "tooshortsecret"):
        assert secret not in message


def test_spaces_around_a_value_do_not_count() -> None:
    assert load_settings(GOOD | {"SHOP_NAME": "  Corner shop  "}).shop_name == "Corner shop"


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_switches(text: str, value: bool) -> None:
    assert load_settings(GOOD | {"SOUK_ENV": "test", "DEMO_PAYMENTS": text}).demo_payments is value


def test_an_empty_value_is_the_default() -> None:
    assert load_settings(GOOD | {"PORT": "", "TELEGRAM_ED25519_KEY": " "}).port == 8080


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_spellings_of_the_database_scheme(scheme: str) -> None:
    address = f"{scheme}://souk:x@db/souk"

    assert load_settings(GOOD | {"DATABASE_URL": address}).database_url == address
