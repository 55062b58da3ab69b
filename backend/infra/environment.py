"""The settings as the environment says them, refused in one line when wrong."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from redis.asyncio import Redis

from backend.infra.dsn import BadAddress, connect_arguments
from backend.infra.settings import Settings, SettingsError, as_whole, parse_master_keys
from backend.kernel.currencies import DECIMALS
from backend.kernel.money import STARS
from backend.kernel.text import Locale, whole_number

# Source: Bot API, setWebhook, secret_token.
_WEBHOOK_SECRET: Final = re.compile("[A-Za-z0-9_-]{16,256}")
_STAR_PRICE: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")
_TOKEN_PRICE: Final = re.compile(r"([0-9]{1,5}(\.[0-9]{1,6})?)?")
_ED25519_KEY: Final = re.compile("([0-9a-fA-F]{64})?")
_CHECKED_BY_THEMSELVES: Final = {"database_url", "redis_url", "public_url"}


def _split(name: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # read only here, and refused only then
    except ValueError:
        raise SettingsError(
            f"{name} is not an address; signs like @ / [ in a password are written as %40 %2F %5B"
        ) from None
    return parts


def _check_addresses(settings: Settings) -> None:
    try:
        connect_arguments(settings.database_url)
    except BadAddress as error:
        raise SettingsError(f"DATABASE_URL {error}") from None
    if _split("REDIS_URL", settings.redis_url).scheme not in {"redis", "rediss", "unix"}:
        raise SettingsError("REDIS_URL must start with redis://, rediss:// or unix://")
    try:
        # What follows the address are arguments of a connection, which are looked at only as one is made.
        Redis.from_url(settings.redis_url).connection_pool.make_connection()
    except (TypeError, ValueError) as error:
        named = re.search("argument '([^']{1,40})'", str(error))
        wrong = f"the parameter {named[1]}" if named else "a parameter with a value"
        raise SettingsError(f"REDIS_URL has {wrong} that Redis's client does not know: leave it out") from None
    public = _split("PUBLIC_URL", settings.public_url)
    more = public.path.strip("/") or public.query or public.fragment or public.username
    if public.scheme not in {"http", "https"} or not public.hostname or more:
        raise SettingsError("PUBLIC_URL must be an address without a path, such as https://shop.example.org")
    links = {name for name in Settings.__struct_fields__ if name.endswith("_url")} - _CHECKED_BY_THEMSELVES
    _check_links({name.upper(): getattr(settings, name) for name in sorted(links)})


def _check_links(links: Mapping[str, str]) -> None:
    for name, url in links.items():
        if url and _split(name, url).scheme not in {"http", "https"}:
            raise SettingsError(f"{name} must start with https://")


def _check_words(settings: Settings) -> None:
    if settings.default_language not in set(Locale):
        raise SettingsError(f"DEFAULT_LANGUAGE must be one of {', '.join(Locale)}")
    try:
        ZoneInfo(settings.default_timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError("DEFAULT_TIMEZONE must be a name such as Europe/Berlin, or UTC") from None
    if settings.log_level.upper() not in logging.getLevelNamesMapping():
        raise SettingsError("LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR")
    if settings.log_format not in {"console", "json"}:
        raise SettingsError("LOG_FORMAT must be console or json")
    for item in filter(None, (part.strip() for part in settings.trusted_proxies.split(","))):
        try:
            ipaddress.ip_network(item)
        except ValueError:
            raise SettingsError("TRUSTED_PROXIES must be addresses or networks, such as 10.0.0.0/8") from None


def _check_currency(settings: Settings) -> None:
    if settings.shop_currency == STARS:
        raise SettingsError("SHOP_CURRENCY is of prices, such as USD; STAR_PRICE says what a Star is worth in it")
    if settings.shop_currency not in DECIMALS:
        raise SettingsError("SHOP_CURRENCY must be a currency of ISO 4217 that is in use, such as USD, EUR or SAR")


def _check_telegram(settings: Settings) -> None:
    number, colon, secret = settings.bot_token.partition(":")
    if not (number.isascii() and number.isdigit() and colon and secret):
        raise SettingsError("BOT_TOKEN must look like 123456:ABC…, as @BotFather gives it")
    if settings.bot_webhook and not _WEBHOOK_SECRET.fullmatch(settings.bot_webhook_secret):
        raise SettingsError("BOT_WEBHOOK_SECRET must have 16 to 256 of A-Z a-z 0-9 _ - when BOT_WEBHOOK is on")
    if not _ED25519_KEY.fullmatch(settings.telegram_ed25519_key):
        raise SettingsError("TELEGRAM_ED25519_KEY must be 64 hex digits, or empty")
    price = settings.star_price
    if price and not (_STAR_PRICE.fullmatch(price) and price.strip("0.")):
        raise SettingsError("STAR_PRICE must be a number above 0 with a point and at most 9 decimals, such as 0.013")


def _check_readings(settings: Settings) -> None:
    if bool(settings.reading_model_url) != bool(settings.reading_model):
        raise SettingsError("READING_MODEL_URL and READING_MODEL are set together, or both left empty")
    for name in ("READING_PRICE_IN", "READING_PRICE_OUT"):
        if not _TOKEN_PRICE.fullmatch(getattr(settings, name.lower())):
            raise SettingsError(f"{name} must be a number with a point and at most 6 decimals, such as 0.15")


def _check_production(settings: Settings) -> None:
    if urlsplit(settings.public_url).scheme != "https":
        raise SettingsError("PUBLIC_URL must be https: Telegram opens nothing else")
    if settings.demo_payments:
        raise SettingsError("DEMO_PAYMENTS gives money away: it must be off in production")


def check_changeable(settings: Settings) -> None:
    """Check what several settings together, or a link, must be after a change of backend.infra.live_settings' ones.

    Raises SettingsError.
    """
    _check_links({"SUPPORT_URL": settings.support_url})
    least, most = settings.top_up_range
    if most < least:
        raise SettingsError("TOP_UP_MAXIMUM must not be below TOP_UP_MINIMUM")


def _check(settings: Settings) -> None:
    _check_addresses(settings)
    _check_words(settings)
    _check_currency(settings)
    _check_telegram(settings)
    _check_readings(settings)
    check_changeable(settings)
    parse_master_keys(settings.master_keys)
    if settings.production:
        _check_production(settings)


def _number(name: str, text: str) -> int:
    # Digits of other scripts are refused: what else reads the file (Docker, a shell) would not understand them.
    try:
        if text.isascii():
            return whole_number(text)
    except ValueError:
        pass
    raise SettingsError(f"{name} must be a whole number, in the digits 0 to 9")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``environ`` (the process's own by default).

    An empty value counts as not set. Raises SettingsError that names the first missing or wrong variable.
    """
    source = os.environ if environ is None else environ
    known = {field.encode_name: field for field in msgspec.structs.fields(Settings)}
    values = {name: source[name].strip() for name in known if source.get(name, "").strip()}
    for name, field in known.items():
        if field.required and name not in values:
            raise SettingsError(f"{name} is not set; .env.example says what it is")
    numbers = {name: _number(name, values[name]) for name, field in known.items() if name in values and as_whole(field)}
    try:
        settings = msgspec.convert(values | numbers, Settings, strict=False)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$.")
        raise SettingsError(f"{where.rstrip('`') or 'the settings'}: {message}") from None
    _check(settings)
    return settings
