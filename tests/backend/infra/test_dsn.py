"""DATABASE_URL: each parameter of libpq works or is refused by its name, for SQLAlchemy and asyncpg alike."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from backend.infra.database import make_engine
from backend.infra.dsn import _KNOWN, BadAddress, connect_arguments
from backend.infra.environment import load_settings
from backend.infra.migrations import upgrade
from backend.infra.settings import SettingsError
from backend.infra.signals import Signals
from tests.backend.infra.test_settings import GOOD

BASE = "postgresql://souk:hunter2@db.example.org:6432/shop"
# Source: PostgreSQL 18, Parameter Key Words of libpq.
LIBPQ = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "require_auth",
    "channel_binding",
    "connect_timeout",
    "client_encoding",
    "options",
    "application_name",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "replication",
    "gssencmode",
    "sslmode",
    "requiressl",
    "sslnegotiation",
    "sslcompression",
    "sslcert",
    "sslkey",
    "sslkeylogfile",
    "sslpassword",
    "sslcertmode",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "min_protocol_version",
    "max_protocol_version",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "scram_client_key",
    "scram_server_key",
    "service",
    "target_session_attrs",
    "load_balance_hosts",
    "oauth_issuer",
    "oauth_client_id",
]


def test_the_places() -> None:
    arguments = connect_arguments(BASE)
    assert (arguments["host"], arguments["port"]) == (["db.example.org"], [6432])
    assert (arguments["user"], arguments["password"], arguments["database"]) == ("souk", "hunter2", "shop")
    assert arguments["timeout"] == 5
    assert "dsn" not in arguments


@pytest.mark.parametrize(
    ("url", "hosts", "ports"),
    [
        ("postgresql:///souk?host=/run/postgresql", ["/run/postgresql"], [5432]),
        ("postgresql://u@/souk?host=/run/postgresql&port=6000", ["/run/postgresql"], [6000]),
        ("postgresql://%2Frun%2Fpostgresql/souk", ["/run/postgresql"], [5432]),
        ("postgresql://u:p@a,b:6000/souk", ["a", "b"], [5432, 6000]),
        ("postgresql://u:p@a,b/souk?port=6000", ["a", "b"], [6000, 6000]),
        ("postgresql:///souk?host=a,b&port=1,2", ["a", "b"], [1, 2]),
        ("postgresql://[::1]:6000/souk", ["::1"], [6000]),
        ("postgresql://u@/souk?hostaddr=10.0.0.1", ["10.0.0.1"], [5432]),
        ("postgresql:///souk", None, None),
    ],
)
def test_hosts(url: str, hosts: list[str] | None, ports: list[int] | None) -> None:
    arguments = connect_arguments(url)
    assert (arguments["host"], arguments["port"]) == (hosts, ports)
    assert arguments["database"] == "souk"


def test_signs_in_names_and_passwords() -> None:
    arguments = connect_arguments("postgres://s%40uk:p%3Aa%2Fs%23s@db/my%20shop?user=other&password=x%26y&dbname=third")
    assert (arguments["user"], arguments["password"], arguments["database"]) == ("other", "x&y", "third")
    arguments = connect_arguments("postgres://s%40uk:p%3Aa%2Fs%23s@db/my%20shop")
    assert (arguments["user"], arguments["password"], arguments["database"]) == ("s@uk", "p:a/s#s", "my shop")


@pytest.mark.parametrize(
    ("parameter", "setting", "value"),
    [
        ("application_name=my%20shop", "application_name", "my shop"),
        ("fallback_application_name=web", "application_name", "web"),
        ("keepalives_idle=30", "tcp_keepalives_idle", "30"),
        ("tcp_user_timeout=9000", "tcp_user_timeout", "9000"),
        ("options=-c%20search_path%3Dx", "options", "-c search_path=x"),
    ],
)
def test_settings_of_the_session(parameter: str, setting: str, value: str) -> None:
    assert connect_arguments(f"{BASE}?{parameter}")["server_settings"][setting] == value


@pytest.mark.parametrize(("text_", "seconds"), [("10", 10), ("1", 2), ("0", None), ("-1", None)])
def test_the_time_to_connect(text_: str, seconds: float | None) -> None:
    assert connect_arguments(f"{BASE}?connect_timeout={text_}")["timeout"] == seconds


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_encryption_is_handed_on(mode: str) -> None:
    assert connect_arguments(f"{BASE}?sslmode={mode}")["dsn"] == f"postgresql://?sslmode={mode}"


@pytest.mark.parametrize("name", LIBPQ)
def test_every_parameter_works_or_is_refused_by_name(name: str) -> None:
    if name in _KNOWN:
        return
    with pytest.raises(BadAddress, match=f"parameter {name}, which Souk does not support: leave it out"):
        connect_arguments(f"{BASE}?{name}=1")


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ("sslmode=on", "sslmode"),
        ("sslmod=require", "sslmod"),
        ("ssl=require", "ssl=require"),
        ("pool_size=5", "pool_size"),
        ("channel_binding=require", "channel_binding"),
        ("gssencmode=require", "gssencmode"),
        ("target_session_attrs=standby", "target_session_attrs"),
        ("target_session_attrs=read-only", "target_session_attrs"),
        ("load_balance_hosts=random", "load_balance_hosts"),
        ("client_encoding=latin1", "client_encoding"),
        ("keepalives=0", "keepalives"),
        ("keepalives_idle=soon", "keepalives_idle"),
        ("connect_timeout=soon", "connect_timeout"),
        ("port=70000", "port"),
        ("port=1,2", "port"),
        ("hostaddr=10.0.0.1", "hostaddr"),
        ("options=-c%20timezone%3DAsia/Tokyo", "timezone"),
        ("sslmode=require&sslrootcert=/no/such/file", "sslrootcert /no/such/file"),
        ("sslmode=verify-full", "sslrootcert"),
        ("sslmode=require&sslrootcert=system", "sslrootcert=system"),
        ("sslkey=/dev/null", "sslkey without sslcert"),
        ("sslcert=/dev/null&sslkey=/dev/null", "sslcert"),
        ("sslmode=verify-ca&sslrootcert=/dev/null", "sslrootcert"),
        ("passfile=/no/such/file", "passfile"),
        ("sslmode", "address"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(
    parameters: str, named: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SettingsError) as caught:
        load_settings(GOOD | {"DATABASE_URL": f"{BASE}?{parameters}"})
    message = str(caught.value)
    assert message.startswith("DATABASE_URL ") and named in message
    assert "\n" not in message and "hunter2" not in message and len(message) < 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A certificate for localhost that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "a server's.crt", folder / "server.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    yield cert, key


async def _encrypting(certificate: tuple[Path, Path], server: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
    """PostgreSQL's answer to the question for TLS, and nothing after the handshake."""
    await server.readexactly(8)
    out.write(b"S")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    try:
        await out.start_tls(context)
        await server.read(1)
    except (OSError, ssl.SSLError):
        pass
    finally:
        out.close()


@pytest.mark.parametrize(
    ("parameters", "trusted"),
    [
        ("sslmode=require", True),
        ("sslmode=verify-full&sslrootcert={cert}", True),
        ("sslmode=verify-ca&sslrootcert={cert}", True),
        ("sslrootcert=system", False),
    ],
)
async def test_certificates_are_checked(certificate: tuple[Path, Path], parameters: str, trusted: bool) -> None:
    async def greet(server: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        await _encrypting(certificate, server, out)

    listener = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    url = f"postgresql://u:p@localhost:{port}/souk?" + parameters.format(cert=certificate[0])
    async with listener:
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)) as caught:
            await asyncpg.connect(**connect_arguments(url))
    assert isinstance(caught.value, ssl.SSLCertVerificationError) is not trusted


async def test_every_client_of_the_database_reads_it_alike(database_url: str) -> None:
    """The pool, the listener and the migrations; a real server takes what they make of the parameters."""
    join = "&" if "?" in database_url else "?"
    url = f"{database_url}{join}sslmode=prefer&application_name=odd&connect_timeout=7&options=-c%20lock_timeout%3D3s"
    engine = make_engine(url, pool_size=1)
    async with engine.connect() as connection:
        for name, value in {"application_name": "odd", "lock_timeout": "3s", "statement_timeout": "30s"}.items():
            assert (await connection.execute(text(f"SHOW {name}"))).scalar_one() == value
    await upgrade(url)
    signals = Signals(engine, url)
    async with signals.running():
        async with asyncio.timeout(20):
            while not signals.connected:
                await asyncio.sleep(0.01)
    await engine.dispose()
