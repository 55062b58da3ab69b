"""Settings of the simulator, read once from the environment, and the two refusals that guard it."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

_TOKEN = re.compile(r"[0-9]{1,15}:[A-Za-z0-9_-]{8,}")
_TRUE = frozenset({"1", "true", "yes", "on"})


class ConfigError(ValueError):
    """The simulator must not start with this configuration."""


class SimulatorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulator is told at its start.

    Times are in seconds. With `demo_group` there is the demo's group.
    `ed25519_seed` (32 bytes) makes initData carry a third-party `signature` too.
    """

    bot_token: str
    host: str = "127.0.0.1"
    port: int = 8081
    environment: str = "demo"
    public_url: str = "http://127.0.0.1:8000"
    root_admin_id: int = 700000009
    bot_username: str = "souk_demo_bot"
    bot_name: str = "Souk"
    state_path: Path | None = None
    rate_limited: bool = False
    demo_group: bool = False
    pre_checkout_seconds: float = 10.0
    webhook_retry_seconds: float = 1.0
    ed25519_seed: bytes | None = None

    @property
    def bot_id(self) -> int:
        """The bot's Telegram id: the digits before the colon of its token."""
        return int(self.bot_token.partition(":")[0])


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check(config: SimulatorConfig) -> None:
    """Raise `ConfigError` in production mode, off loopback, or with a value that cannot work."""
    if config.environment.lower() in {"production", "prod"}:
        raise ConfigError("refuses to start with SOUK_ENV=production; set BOT_TOKEN of a real bot instead")
    if not is_loopback(config.host):
        raise ConfigError(f"binds to loopback only, not to {config.host!r}; set SIMULATOR_HOST=127.0.0.1")
    if not _TOKEN.fullmatch(config.bot_token):
        raise ConfigError("BOT_TOKEN must look like 7000000001:letters-and-digits")
    url = urlsplit(config.public_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ConfigError(f"PUBLIC_URL must be an http or https address, not {config.public_url!r}")
    if config.ed25519_seed is not None and len(config.ed25519_seed) != 32:
        raise ConfigError("SIMULATOR_ED25519_SEED must be 64 hexadecimal digits")


def config_from_env(environ: Mapping[str, str]) -> SimulatorConfig:
    """Read the configuration from environment variables; raises `ConfigError` where one is missing or wrong."""
    token = environ.get("BOT_TOKEN", "")
    if not token:
        raise ConfigError("BOT_TOKEN is missing: give the token that the bot will use")
    try:
        seed = bytes.fromhex(environ["SIMULATOR_ED25519_SEED"]) if environ.get("SIMULATOR_ED25519_SEED") else None
        config = SimulatorConfig(
            bot_token=token,
            host=environ.get("SIMULATOR_HOST") or "127.0.0.1",
            port=int(environ.get("SIMULATOR_PORT") or 8081),
            environment=environ.get("SOUK_ENV") or "demo",
            public_url=environ.get("PUBLIC_URL") or "http://127.0.0.1:8000",
            root_admin_id=int(environ.get("ROOT_ADMIN_ID") or 700000009),
            state_path=Path(environ["SIMULATOR_STATE"]) if environ.get("SIMULATOR_STATE") else None,
            rate_limited=environ.get("SIMULATOR_RATE_LIMIT", "").lower() in _TRUE,
            demo_group=environ.get("SIMULATOR_GROUP", "").lower() in _TRUE,
            ed25519_seed=seed,
            bot_username=environ.get("SIMULATOR_BOT_USERNAME") or "souk_demo_bot",
            bot_name=environ.get("SIMULATOR_BOT_NAME") or "Souk",
        )
    except ValueError as error:
        raise ConfigError(f"a number in the environment is not a number: {error}") from error
    check(config)
    return config
