"""DATABASE_URL in the words of the driver: the one place that reads it, for SQLAlchemy and for asyncpg itself.

Every parameter of libpq either works or is refused by name; none is passed on as something else.
See backend/decisions/0014-database-url.md.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_CONNECT_SECONDS: Final = 5.0
_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
# What asyncpg reads from an address as libpq does.
_PASSED_ON: Final = {
    *_FILES, "sslmode", "sslpassword", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version",
    "target_session_attrs",
}  # fmt: skip
_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "sslmode": _MODES,
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "ssl_max_protocol_version": ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    # The shop writes, so a server that may only be read is of no use.
    "target_session_attrs": ("any", "read-write", "primary"),
    # What asyncpg does anyway; what it cannot do is refused, and nothing of it is silently left out.
    "ssl": ("true",),
    "gssencmode": ("disable", "prefer"),
    "channel_binding": ("disable", "prefer"),
    "sslcompression": ("0",),
    "sslsni": ("1",),
    "sslcertmode": ("allow",),
    "load_balance_hosts": ("disable",),
    "client_encoding": ("utf8", "UTF8", "utf-8", "UTF-8", "auto"),
    "keepalives": ("1",),
}
# asyncpg sends no probes, so the server is asked to: that keeps a silent connection open as well.
_PROBES: Final = {
    "keepalives_idle": "tcp_keepalives_idle",
    "keepalives_interval": "tcp_keepalives_interval",
    "keepalives_count": "tcp_keepalives_count",
    "tcp_user_timeout": "tcp_user_timeout",
}
_PLACES: Final = {"host", "hostaddr", "port", "user", "password", "dbname"}
_NAMED: Final = {"application_name", "fallback_application_name", "connect_timeout", "options"}
_KNOWN: Final = _PASSED_ON | set(_VALUES) | set(_PROBES) | _PLACES | _NAMED
_OPTION: Final = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.-]*)\s*=")


class BadAddress(ValueError):
    """DATABASE_URL cannot be used; the message says why in one line and repeats nothing secret."""


def connect_arguments(url: str, **settings: str) -> dict[str, Any]:
    """The arguments of ``asyncpg.connect`` for a postgres:// address, which are SQLAlchemy's ``connect_args`` too.

    ``settings`` are the session's, unless the address says otherwise. Raises BadAddress, which names the parameter.
    """
    parts, query = _read(url)
    user, password = _credentials(parts.netloc)
    hosts, ports = _hosts(parts.netloc.rpartition("@")[2], query)
    arguments: dict[str, Any] = {
        "host": hosts or None,
        "port": ports or None,
        "user": query.get("user") or user or None,
        "password": query.get("password") or password or None,
        "database": query.get("dbname") or unquote(parts.path.removeprefix("/")) or None,
        "timeout": _timeout(query.get("connect_timeout", "")),
        "server_settings": _server_settings(query, settings),
    }
    return arguments | _encryption(query)


def _read(url: str) -> tuple[Any, dict[str, str]]:
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise BadAddress("is not an address; signs like @ / [ in a password are written as %40 %2F %5B") from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadAddress("must start with postgres:// or postgresql://")
    if parts.fragment:
        raise BadAddress("holds a #, which is written as %23")
    for name, value in query.items():
        if name not in _KNOWN:
            raise BadAddress(f"has the parameter {name[:40]}, which Souk does not support: leave it out")
        allowed = _VALUES.get(name)
        if allowed and value and value not in allowed:
            raise BadAddress(f"has {name}={value[:40]}, which Souk does not support: it can be {', '.join(allowed)}")
    return parts, {name: value for name, value in query.items() if value}


def _credentials(netloc: str) -> tuple[str, str]:
    user, _, password = netloc.rpartition("@")[0].partition(":")
    return unquote(user), unquote(password)


def _hosts(netloc: str, query: dict[str, str]) -> tuple[list[str], list[int]]:
    if "hostaddr" in query and ("host" in query or netloc):
        raise BadAddress("has hostaddr beside a host, which Souk does not support: keep one of them")
    hosts, ports = [], []
    for item in netloc.split(",") if netloc else []:
        match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]*))(?::([^:]*))?", item)
        if not match:
            raise BadAddress("is not an address; signs like @ / [ in a password are written as %40 %2F %5B")
        hosts.append(unquote(match[1] or match[2] or ""))
        ports.append(match[3] or "")
    if given := query.get("host") or query.get("hostaddr"):
        hosts = given.split(",")
        ports = ports if len(ports) == len(hosts) else [""] * len(hosts)
    if given := query.get("port"):
        ports = given.split(",")
    if len(ports) == 1:
        ports *= max(len(hosts), 1)
    hosts = [host or "localhost" for host in hosts]
    if hosts and len(hosts) != len(ports):
        raise BadAddress("has port with another number of entries than host")
    return hosts, [_port(port) for port in ports] if hosts or any(ports) else []


def _port(text: str) -> int:
    if not text:
        return 5432
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise BadAddress("has a port that is no number from 1 to 65535")
    return int(text)


def _timeout(text: str) -> float | None:
    if not text:
        return _CONNECT_SECONDS
    if not re.fullmatch(r"-?[0-9]{1,6}", text):
        raise BadAddress("has a connect_timeout that is no whole number of seconds")
    # As in libpq: 0 or less means no limit, and 1 second counts as 2.
    return max(float(text), 2.0) if int(text) > 0 else None


def _server_settings(query: dict[str, str], ours: dict[str, str]) -> dict[str, str]:
    chosen = _OPTION.findall(query.get("options", ""))
    if "timezone" in (name.lower() for name in chosen):
        raise BadAddress("has options with timezone, which Souk sets itself: leave it out")
    # What options say would else be overruled by ours.
    settings = {"application_name": "souk", "timezone": "UTC"}
    settings |= {name: value for name, value in ours.items() if name not in chosen}
    name = query.get("application_name") or query.get("fallback_application_name")
    if name:
        settings["application_name"] = name
    for parameter, setting in _PROBES.items():
        if value := query.get(parameter):
            if not re.fullmatch("[0-9]{1,9}", value):
                raise BadAddress(f"has a {parameter} that is no whole number")
            settings[setting] = value
    if options := query.get("options"):
        settings["options"] = options
    return settings


def _encryption(query: dict[str, str]) -> dict[str, Any]:
    options = {name: value for name, value in query.items() if name in _PASSED_ON}
    if "ssl" in query:
        options.setdefault("sslmode", "require")
    mode = options.get("sslmode", "")
    if options.get("sslrootcert") == "system":
        # As libpq has it: the machine's own certificates, and nothing less than the whole check.
        if mode not in {"", "verify-full"}:
            raise BadAddress(f"has sslmode={mode} with sslrootcert=system, which needs sslmode=verify-full")
        return {"ssl": _system_context(options)} | _rest(options, {"target_session_attrs", "passfile"})
    for name in _FILES:
        if name in options:
            _require_readable(name, options[name])
    if mode.startswith("verify") and "sslrootcert" not in options and not _usual_root().exists():
        raise BadAddress(f"has sslmode={mode} and no sslrootcert: name the file of the certificate, or system")
    if "sslkey" in options and "sslcert" not in options:
        raise BadAddress("has sslkey without sslcert")
    if (mode.startswith("verify") or options.keys() & {"sslcert", "sslrootcert", "sslcrl"}) and mode != "disable":
        _try_certificates(options)
    return _rest(options, _PASSED_ON)


def _rest(options: dict[str, str], names: set[str]) -> dict[str, Any]:
    passed = {name: value for name, value in options.items() if name in names}
    return {"dsn": f"postgresql://?{urlencode(passed)}"} if passed else {}


def _usual_root() -> Path:
    try:
        return Path.home() / ".postgresql" / "root.crt"
    except RuntimeError:
        return Path("/nonexistent")


def _system_context(options: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if "sslcert" in options:
        _load_chain(context, options)
    return context


def _try_certificates(options: dict[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in ("sslrootcert", "sslcrl"):
        if name in options:
            try:
                context.load_verify_locations(cafile=options[name])
            except ssl.SSLError:
                raise BadAddress(f"names the {name} {options[name]}, which holds no certificate") from None
    if "sslcert" in options:
        _load_chain(context, options)


def _load_chain(context: ssl.SSLContext, options: dict[str, str]) -> None:
    try:
        context.load_cert_chain(options["sslcert"], options.get("sslkey"), lambda: options.get("sslpassword", ""))
    except OSError:
        raise BadAddress("names an sslcert and an sslkey that do not belong together, or an unreadable one") from None


def _require_readable(name: str, path: str) -> None:
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise BadAddress(f"names the {name} {path}, which cannot be read ({error.strerror})") from None
