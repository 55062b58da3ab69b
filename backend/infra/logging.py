"""Structured logs: a console for people or JSON for machines, and files that turn daily and stay for 7 days."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog

from backend.infra.settings import Settings
from backend.infra.traces import trace_exceptions

_KEEP_DAYS = 7
_HIDDEN = "[hidden]"
_SHORTEST_SECRET = 6
# Of a part of an address: what is shorter is a word, such as "mainnet".
_SHORTEST_KEY = 16
_SECRET_NAMES = re.compile(
    r"token|secret|password|init_?data|authorization|cookie|signature|api_?key|master|plaintext|ciphertext",
    re.IGNORECASE,
)
_SECRET_VALUES = re.compile(
    # A bot token, also inside an address (…/bot123:ABC/sendMessage).
    r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}"
    # initData: without its hash and signature it opens nothing.
    r"|(?<=hash=)[0-9a-f]{16,}|(?<=signature=)[\w-]{16,}"
    r"|(?i:(?<=bearer )|(?<=tma ))[^\s'\"]+"
    # The password of a connection string.
    r"|(?<=://)[^/\s@]*:[^/\s@]+(?=@)"
    # A master key, or whatever else is 32 bytes in base64.
    r"|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?!=)"
)


def scrub(text: str) -> str:
    """The text without what looks like a secret."""
    return _SECRET_VALUES.sub(_HIDDEN, text)


class SecretHider:
    """A structlog processor that blanks fields named like secrets, values shaped like them, and the ones it is told.

    It looks as deep as the values lie.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # A short one would be found inside of common words, and longer ones may hold shorter ones.
        known = sorted({value for value in secrets if len(value) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The event, cleaned."""
        for name, value in event.items():
            # The library's own fields, and the message itself, which is no field whatever it is called.
            if not name.startswith("_"):
                event[name] = self._clean(None if name == "event" else name, value)
        return event

    def _clean(self, name: object, value: Any) -> Any:
        if isinstance(name, str) and _SECRET_NAMES.search(name):
            return _HIDDEN
        if isinstance(value, str):
            return self._scrub(value)
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, Mapping):
            return {key: self._clean(key, item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._clean(None, item) for item in value]
        # Whatever else there is would be written as this by the renderer, after this processor.
        return self._scrub(repr(value))

    def _scrub(self, text: str) -> str:
        return scrub(self._known.sub(_HIDDEN, text) if self._known else text)


def _keys_in(address: str) -> list[str]:
    """What opens a node or a server by being in its address: the password, long parts of the path and the query."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:  # no address at all: what it is meant to be, its provider says
        return [address]
    candidates = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    return [parts.password or "", *(part for part in candidates if len(part) >= _SHORTEST_KEY)]


def _secrets_of(settings: Settings) -> list[str]:
    addresses = (settings.database_url, settings.redis_url)
    passwords = [urlsplit(url).password or "" for url in addresses]
    passwords += [value for url in addresses for name, value in parse_qsl(urlsplit(url).query) if "password" in name]
    nodes = [*settings.usdt_evm_rpc_urls.split(","), settings.usdt_tron_url, settings.usdt_ton_url]
    payments = [
        settings.telegram_provider_token,
        settings.crypto_pay_token,
        settings.stripe_secret_key,
        settings.stripe_webhook_secret,
        settings.paypal_secret,
        settings.usdt_tron_api_key,
        settings.usdt_ton_api_key,
        # They open nothing, and show every payment of the shop.
        settings.usdt_evm_xpub,
        settings.usdt_tron_xpub,
        *(key for node in nodes for key in _keys_in(node)),
    ]
    models = [*re.split(r"[,\s]+", settings.reading_model_keys), *_keys_in(settings.reading_model_url)]
    keys = [item.strip().partition(":")[2] for item in settings.master_keys.split(",")]
    return [
        settings.bot_token,
        settings.secret_key,
        settings.bot_webhook_secret,
        *keys,
        *passwords,
        *payments,
        *models,
    ]


def _processors(secrets: Iterable[str] = (), exceptions: Any = structlog.processors.format_exc_info) -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # As text, without the local variables, and before the secrets are looked for.
        exceptions,
        SecretHider(secrets),
    ]


def _console() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def setup_command_logging() -> None:
    """For a command: warnings and errors of the backend go to stderr, and nothing else does."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_processors(), _console()],
        # Without a handler of its own, the library writes warnings and worse to stderr.
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def setup_logging(settings: Settings, process: str) -> None:
    """Log to stderr and, where LOG_DIR is set, to ``<process>.log`` there."""
    # The bot's errors quote updates: names, texts, codes of gift cards. Their classes and places are enough.
    exceptions = trace_exceptions if process == "bot" else structlog.processors.format_exc_info
    shared = _processors(_secrets_of(settings), exceptions)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    json = structlog.processors.JSONRenderer()
    console: Any = _console() if settings.log_format == "console" else json
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setFormatter(structlog.stdlib.ProcessorFormatter(processor=console, foreign_pre_chain=shared))
    if settings.log_dir:
        Path(settings.log_dir).mkdir(parents=True, exist_ok=True)
        path = Path(settings.log_dir) / f"{process}.log"
        file = logging.handlers.TimedRotatingFileHandler(
            path, when="midnight", backupCount=_KEEP_DAYS, encoding="utf-8", utc=True, delay=True
        )
        file.setFormatter(structlog.stdlib.ProcessorFormatter(processor=json, foreign_pre_chain=shared))
        handlers.append(file)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(settings.log_level.upper())
    noisy = (
        "httpx",
        "httpcore",
        "asyncio",
        "aiogram.event",
        "arq.jobs",
        "arq.worker",
        "alembic.runtime",
        "stripe",
        "openai",
        "httpx2",
        "httpcore2",
    )
    for name in noisy:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)
