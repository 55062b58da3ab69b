"""Settings from the environment: typed, complete, and refused in one line when wrong."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from backend.kernel.currencies import usual_unit

Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[int, Meta(ge=1)]
Reservation = Annotated[int, Meta(ge=1, le=30 * 86400)]
"""Seconds, 30 days at most."""
Major = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
"""An amount in whole units of the shop's currency: dollars, not cents; 0 for what fits the currency."""

_MASTER_KEY_BYTES: Final = 32


class SettingsError(Exception):
    """A variable is missing or wrong; the message names it."""


class Environment(StrEnum):
    """Where this process runs; production refuses everything that is only for trying out."""

    DEMO = "demo"
    TEST = "test"
    PRODUCTION = "production"


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """Every variable that Souk reads; ``.env.example`` explains each."""

    database_url: str
    redis_url: str
    bot_token: str
    root_admin_id: Annotated[int, Meta(ge=1)]
    public_url: str
    master_keys: str
    """``id:base64`` pairs, comma separated, the first one wraps; each key is 32 bytes."""
    secret_key: Annotated[str, Meta(min_length=32)]
    """Signs session tokens and signed addresses."""

    souk_env: Environment = Environment.PRODUCTION
    admin_username: str = ""
    shop_name: str = "Souk"
    shop_currency: str = "USD"
    default_language: str = "en"
    default_timezone: str = "UTC"
    support_url: str = ""
    bot_url: str = ""
    """The bot's link, for people who open the shop outside Telegram."""

    telegram_api_url: str = "https://api.telegram.org"
    telegram_script_url: str = "https://telegram.org/js/telegram-web-app.js"
    telegram_frame_ancestors: str = "https://web.telegram.org https://*.telegram.org"
    telegram_per_second: Annotated[int, Meta(ge=10, le=1000)] = 30
    """Messages to all chats together that Telegram takes in a second; more than 30 only where it has agreed to that."""
    telegram_ed25519_key: str = ""
    """Telegram's public key as hex; empty leaves the signature unchecked (HMAC is always checked)."""
    bot_webhook: bool = False
    bot_webhook_secret: str = ""
    bot_port: Port = 8081

    host: str = "127.0.0.1"
    port: Port = 8080
    web_workers: Annotated[int, Meta(ge=1, le=64)] = 1
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 9100
    trusted_proxies: str = ""
    """Addresses or networks whose X-Forwarded-For is believed, comma separated."""

    init_data_max_age: Seconds = 86400
    """As long as a session: some clients hand out the same initData for as long as the app is open."""
    session_lifetime: Seconds = 86400
    order_reservation: Reservation = 900
    order_reservation_max: Reservation = 3600
    reservation_orders: Annotated[int, Meta(ge=1, le=100)] = 3
    reservation_keys: Annotated[int, Meta(ge=1, le=1000)] = 10
    reservation_share: Annotated[int, Meta(ge=1, le=100)] = 25
    """Percent of a variant's stock that one person may reserve before paying, rounded up."""
    cart_reminder_hours: Annotated[int, Meta(ge=0, le=168)] = 4
    """How long a cart must not have changed before its owner is reminded of it, once; 0: never."""
    subscription_grace_days: Annotated[int, Meta(ge=0, le=30)] = 3
    """How long a subscription goes on after a renewal that failed."""
    warranty_claims: Annotated[int, Meta(ge=0, le=100)] = 3
    """How many claims under the warranty one person may make in 30 days without an admin's review."""
    waiting_hold: Annotated[int, Meta(ge=60, le=86_400)] = 1800
    """Seconds for which something that came back into stock is held for the first in line."""
    quiet_from: Annotated[int, Meta(ge=0, le=23)] = 22
    quiet_until: Annotated[int, Meta(ge=0, le=23)] = 8
    """Hours on the reader's clock between which only urgent messages are sent; the same hour twice: always."""
    premium_grace: Annotated[int, Meta(ge=0, le=14)] = 3
    """Days after the end of premium in which goods for members stay open."""
    assignment_archive_days: Annotated[int, Meta(ge=30, le=36_500)] = 365
    """Days without a change after which submissions are moved to the archive."""
    reading_free_card: Annotated[int, Meta(ge=0, le=1)] = 1
    """1: everybody can turn over a card a day for nothing."""
    reading_follow_ups: Annotated[int, Meta(ge=0, le=20)] = 2
    """How many questions a reading may have after its own."""
    reading_follow_up_credits: Annotated[int, Meta(ge=0, le=100)] = 0
    """What each of them costs."""
    reading_question_length: Annotated[int, Meta(ge=50, le=1000)] = 300
    """Characters."""
    top_up_minimum: Major = 0
    top_up_maximum: Major = 0
    adjustment_limit: Major = 0
    """The single-admin limit: what one admin may give away in 24 hours, in all ways together, without a second."""
    database_pool: Annotated[int, Meta(ge=1, le=200)] = 10
    job_attempts: Annotated[int, Meta(ge=1)] = 8

    demo_payments: bool = False
    star_price: str = ""
    """What one Star is worth in the shop's currency, an exact decimal: ``0.013``; empty leaves Stars off."""
    telegram_provider_token: str = ""
    deposit_instructions: str = ""
    """How to pay by hand; ``\\n`` is a line break."""
    usdt_price: str = ""
    """What one USDT is worth in the shop's currency, as a decimal number."""
    usdt_evm_rpc_urls: str = ""
    usdt_evm_xpub: str = ""
    usdt_evm_chain_id: Annotated[int, Meta(ge=1)] = 1
    usdt_evm_contract: str = ""
    usdt_evm_decimals: Annotated[int, Meta(ge=0, le=36)] = 0
    usdt_evm_network: str = ""
    usdt_evm_confirmations: str = "12"
    """Blocks, or ``finalized``."""
    usdt_tron_xpub: str = ""
    usdt_tron_url: str = "https://api.trongrid.io"
    usdt_tron_api_key: str = ""
    usdt_tron_contract: str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    usdt_ton_address: str = ""
    usdt_ton_url: str = "https://toncenter.com"
    usdt_ton_api_key: str = ""
    usdt_ton_master: str = "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"
    crypto_pay_token: str = ""
    crypto_pay_url: str = "https://pay.crypt.bot"
    stripe_secret_key: str = ""
    stripe_webhook_secret: str = ""
    stripe_api_url: str = "https://api.stripe.com"
    paypal_client_id: str = ""
    paypal_secret: str = ""
    paypal_webhook_id: str = ""
    paypal_url: str = "https://api-m.paypal.com"
    reading_model_url: str = ""
    """The base of an OpenAI-compatible API; empty leaves all readings to the built-in interpreter."""
    reading_model: str = ""
    reading_model_keys: str = ""
    """One or several, comma separated; the next is tried where one is refused or used up."""
    reading_first_word: Annotated[int, Meta(ge=1, le=600)] = 30
    """Seconds."""
    reading_thinking: Annotated[int, Meta(ge=1, le=600)] = 90
    """Seconds until a model that thinks before it writes says something."""
    reading_gap: Annotated[int, Meta(ge=1, le=600)] = 20
    """Seconds between two words."""
    reading_total: Annotated[int, Meta(ge=1, le=1800)] = 180
    """Seconds for one text, all calls together."""
    reading_strict_finish: bool = True
    """Whether a text without a finish_reason counts as cut off."""
    reading_max_tokens: Annotated[int, Meta(ge=100, le=100_000)] = 4000
    reading_price_in: str = ""
    """What a million tokens of requests cost in US dollars, as a decimal number; for the figures only."""
    reading_price_out: str = ""
    """The same of answers."""
    reading_pace: Annotated[int, Meta(ge=0, le=1000)] = 35
    """Milliseconds for a word of the built-in interpreter."""
    reading_help_lines: str = ""
    """Where people in distress find help; ``\\n`` is a line break."""
    reading_help_lines_ar: str = ""
    """The same for those who read Arabic; empty: the lines of all languages."""
    reading_help_lines_ru: str = ""
    """The same for those who read Russian."""
    log_level: str = "INFO"
    log_format: str = "console"
    log_dir: str = ""
    data_dir: str = "./data"
    course_file_mb: Annotated[int, Meta(ge=1, le=4000)] = 200
    """The largest file of a course that ``souk import course`` takes, in MB."""

    @property
    def top_up_range(self) -> tuple[int, int]:
        """The least and the most of a top-up, in whole units of the shop's currency."""
        unit = usual_unit(self.shop_currency)
        return self.top_up_minimum or unit, self.top_up_maximum or 1000 * unit

    @property
    def single_admin_limit(self) -> int:
        """What one admin may move alone, in whole units of the shop's currency: ADJUSTMENT_LIMIT, or about $100."""
        return self.adjustment_limit or 100 * usual_unit(self.shop_currency)

    @property
    def production(self) -> bool:
        """Whether this is the real shop."""
        return self.souk_env is Environment.PRODUCTION

    @property
    def support_link(self) -> str:
        """Where a person asks the shop: SUPPORT_URL, else a chat with ADMIN_USERNAME, else nothing."""
        name = self.admin_username.removeprefix("@")
        return self.support_url or (f"https://t.me/{name}" if name else "")

    @property
    def bot_id(self) -> int:
        """The bot's own id: the number before the colon of its token."""
        return int(self.bot_token.partition(":")[0])


def parse_master_keys(text: str) -> dict[str, bytes]:
    """The master keys by id, in the order of MASTER_KEYS. Raises SettingsError, which repeats nothing of them."""
    keys: dict[str, bytes] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not name or len(key) != _MASTER_KEY_BYTES:
            raise SettingsError("MASTER_KEYS must be id:base64 pairs of 32 bytes each, as `souk keys generate` makes")
        if name in keys:
            raise SettingsError("MASTER_KEYS names two keys alike")
        keys[name] = key
    if not keys:
        raise SettingsError("MASTER_KEYS names no key")
    return keys


def as_whole(field: msgspec.structs.FieldInfo) -> msgspec.inspect.IntType | None:
    """The type of a field that is a whole number, with its bounds."""
    kind = msgspec.inspect.type_info(field.type)
    kind = getattr(kind, "type", kind)
    return kind if isinstance(kind, msgspec.inspect.IntType) else None


def whole_bounds(name: str) -> tuple[int, int]:
    """The smallest and the largest value of a field that is a whole number with both bounds."""
    kind = next(as_whole(field) for field in msgspec.structs.fields(Settings) if field.name == name)
    assert kind and kind.ge is not None and kind.le is not None, name
    return kind.ge, kind.le
