"""The Caddyfile that is shipped, run by a real Caddy on loopback."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from backend.infra.embedded import free_port
from tests.deployment.upstream import PAGE

ROOT = Path(__file__).parents[2]
# Like the servers of the other tests: found, or the run fails with what to install (install_caddy.sh).
CADDY = shutil.which("caddy") or "caddy"


def caddy_version() -> tuple[int, ...]:
    text = subprocess.run([CADDY, "version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


@pytest.fixture(scope="module")
def form() -> bytes:
    """What is posted while web restarts. Before 2.11.2 (Debian has 2.6) Caddy cannot send a body after a failed try."""
    return b"key=value&" * 1000 if caddy_version() >= (2, 11, 2) else b""


class Names(threading.Thread):
    """A name server for one name, whose addresses change; without any the name does not exist, as Docker has it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.addresses: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                query, sender = self.socket.recvfrom(512)
                self.socket.sendto(self.answer(query), sender)

    def answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5
        question, kind = query[12:end], query[end - 4 : end - 2]
        found = self.addresses if kind == b"\0\x01" else []
        flags = b"\x81\x80" if self.addresses else b"\x81\x83"
        records = b"".join(b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04" + socket.inet_aton(address) for address in found)
        return query[:2] + flags + struct.pack(">HHHH", 1, len(found), 0, 0) + question + records


@pytest.fixture
def names() -> Iterator[Names]:
    """A name server."""
    made = Names()
    made.start()
    yield made
    made.socket.close()


class Program:
    """A program that runs while it is wanted; its output is kept."""

    def __init__(self, command: list[str], output: Path, **environ: str) -> None:
        self.command, self.output = command, output
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(output.parent), "PYTHONPATH": str(ROOT)} | environ
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, port: int, host: str = "127.0.0.1") -> Self:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, env=self.environ, cwd=ROOT, stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
                return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.command[0]} did not start: {self.output.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


def upstream(port: int, output: Path, name: str = "web", host: str = "127.0.0.1") -> Program:
    module = "tests.deployment.upstream:app"
    options = ["--interface", "asgi", "--host", host, "--port", str(port), "--no-ws"]
    return Program([sys.executable, "-m", "granian", *options, module], output, UPSTREAM_NAME=name)


class Site:
    """Caddy, and what stands behind it."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.web_port, self.bot_port, self.port, self.health = (free_port() for _ in range(4))
        self.url = f"http://127.0.0.1:{self.port}"
        self.web = upstream(self.web_port, folder / "web.log")
        self.bot = upstream(self.bot_port, folder / "bot.log", "bot")
        own = {
            "PUBLIC_URL": self.url,
            "BIND_ADDRESS": "127.0.0.1",
            "HEALTH_PORT": str(self.health),
            "WEB_HOST": "127.0.0.1",
            "WEB_PORT": str(self.web_port),
            "BOT_HOST": "127.0.0.1",
            "BOT_PORT": str(self.bot_port),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        self.caddy = Program([CADDY, "run", "--config", str(ROOT / "Caddyfile")], folder / "caddy.log", **own | environ)

    def start(self) -> Self:
        if not shutil.which("caddy"):
            pytest.fail("the tests of the Caddyfile need Caddy: sh tests/deployment/install_caddy.sh")
        self.caddy.start(self.health)
        return self

    def stop(self) -> None:
        for program in (self.caddy, self.web, self.bot):
            program.stop()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=30)

    def get(self, path: str, **headers: str) -> httpx.Response:
        with self.client() as client:
            return client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Caddy before a web and a bot process."""
    made = Site(tmp_path_factory.mktemp("caddy"))
    try:
        made.web.start(made.web_port)
        made.bot.start(made.bot_port)
        yield made.start()
    finally:
        made.stop()


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """Makes a site of the test's own, with nothing behind it yet."""
    made: list[Site] = []

    def make(**environ: str) -> Site:
        made.append(Site(tmp_path, **environ))
        return made[-1].start()

    yield make
    for one in made:
        one.stop()


def test_the_file_is_sound_and_in_caddys_own_style() -> None:
    environ = os.environ | {"PUBLIC_URL": "https://shop.example.org"}
    valid = subprocess.run(
        [CADDY, "validate", "--config", "Caddyfile"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert "Valid configuration" in valid.stderr + valid.stdout
    assert "not formatted" not in valid.stderr


def test_a_page_comes_through_untouched(site: Site) -> None:
    answer = site.get("/shop", Accept_Encoding="identity")

    assert answer.status_code == 200
    assert answer.content == PAGE
    assert answer.headers["x-upstream"] == "web"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_no_header_tells_what_runs_here(site: Site) -> None:
    for path in ("/shop", "/metrics", "/hooks/telegram", "/static/app.css"):
        answer = site.get(path)
        assert not {"server", "via", "x-powered-by"} & set(answer.headers)
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("accepted", "expected"), [("gzip", "gzip"), ("zstd", "zstd"), ("gzip, deflate, br, zstd", "zstd"), ("br", None)]
)
def test_pages_are_compressed(site: Site, accepted: str, expected: str | None) -> None:
    with site.client() as client, client.stream("GET", "/shop", headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())

    assert answer.headers.get("content-encoding") == expected
    if expected:
        assert len(raw) < len(PAGE) / 4
        assert "accept-encoding" in answer.headers["vary"].lower()
    if expected == "gzip":
        assert gzip.decompress(raw) == PAGE


def test_what_is_compressed_already_is_left_alone(site: Site) -> None:
    with site.client() as client, client.stream("GET", "/gzipped", headers={"Accept-Encoding": "zstd, gzip"}) as answer:
        raw = b"".join(answer.iter_raw())

    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == PAGE


def test_the_caching_of_static_files_is_left_alone(site: Site) -> None:
    answer = site.get("/static/app.css", Accept_Encoding="identity")

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["etag"] == '"v1"'


@pytest.mark.parametrize("accepted", ["identity", "gzip", "zstd, gzip"])
def test_a_stream_arrives_as_it_is_sent(site: Site, accepted: str) -> None:
    with site.client() as client, client.stream("GET", "/live", headers={"Accept-Encoding": accepted}) as answer:
        assert "content-encoding" not in answer.headers
        chunks = answer.iter_raw()
        # The second part is sent only after this answer to the first has arrived: nothing may hold it back.
        assert next(chunks) == b"data: first\n\n"
        assert site.get("/go").status_code == 200
        assert b"".join(chunks) == b"data: second\n\n"


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "/metrics/x", "/METRICS", "/%6detrics", "/x/../metrics", "/./metrics"]
)
def test_the_figures_are_not_for_visitors(site: Site, path: str) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
        # By hand: a client would tidy the path up.
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"x-upstream" not in answer.lower()


def test_telegrams_updates_go_to_the_bot_and_all_else_to_the_web(site: Site) -> None:
    with site.client() as client:
        assert client.post("/hooks/telegram", json={}).headers["x-upstream"] == "bot"
        for path in ("/hooks/demo", "/hooks/telegram/x", "/hooks/telegramx", "/api/v1/things"):
            assert client.post(path, json={}).headers["x-upstream"] == "web"


def test_visitors_cannot_pretend_to_come_from_elsewhere(site: Site) -> None:
    told = site.get(
        "/headers",
        X_Forwarded_For="203.0.113.9",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="evil.example",
        Authorization="Bearer kept",
    ).json()

    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert told["x-forwarded-host"] == f"127.0.0.1:{site.port}"
    assert told["host"] == f"127.0.0.1:{site.port}"
    assert told["authorization"] == "Bearer kept"


def test_a_body_has_its_largest_size(site: Site) -> None:
    with site.client() as client:
        assert client.post("/upload", content=b"x" * 5_900_000).json()["length"] == 5_900_000
        assert client.post("/upload", content=b"x" * 6_000_000).status_code == 413
        assert client.post("/upload", content=b"x" * 12_000_000).status_code == 413
        # One that does not say how long it is gets no further either; Caddy 2.6 calls that 502, later ones 413.
        endless = client.post("/upload", content=iter([b"x" * 100_000] * 70))
        assert endless.status_code in {413, 503}
        assert "x-upstream" not in endless.headers


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/broken", 503)])
def test_the_shops_own_error_pages_stay_its_own(site: Site, path: str, status: int) -> None:
    answer = site.get(path)

    assert (answer.status_code, answer.text) == (status, "our own page about that")


def test_other_hosts_get_nothing(site: Site) -> None:
    assert site.get("/shop", Host="evil.example").content == b""


def test_the_health_check_of_the_container(site: Site) -> None:
    answer = httpx.get(f"http://127.0.0.1:{site.health}/", trust_env=False)

    assert (answer.status_code, answer.text) == (200, "ok")


def test_a_restart_is_not_noticed(site: Site, form: bytes) -> None:
    """Web is stopped and started anew while people go on buying and looking: nobody sees an error, nothing twice.

    But for a rare purchase: before 2.11.2 Caddy loses the body of a POST whose first try met the closing process, and
    says so with a 503. It was not delivered, and may be sent again.
    """
    answers: list[httpx.Response | Exception] = []
    ended = threading.Event()

    def person(number: int) -> None:
        with site.client() as client:
            while not ended.is_set():
                try:
                    answers.append(client.post("/buy", content=form) if number % 2 else client.get("/shop"))
                except httpx.HTTPError as error:
                    answers.append(error)
                time.sleep(0.005)

    people = [threading.Thread(target=person, args=(number,), daemon=True) for number in range(6)]
    for thread in people:
        thread.start()
    for _ in range(2):
        time.sleep(0.3)
        site.web.stop()
        time.sleep(0.7)
        site.web.start(site.web_port)
    time.sleep(0.5)
    ended.set()
    for thread in people:
        thread.join()

    assert len(answers) > 50
    assert [item for item in answers if isinstance(item, Exception)] == []
    told = [item for item in answers if isinstance(item, httpx.Response)]
    looked = {answer.status_code for answer in told if answer.request.method == "GET"}
    tried = [answer for answer in told if answer.request.method == "POST"]
    refused = [answer.status_code for answer in tried if answer.status_code != 200]
    assert looked == {200}
    assert refused in ([], [503], [503, 503])
    bought = [answer.json() for answer in tried if answer.status_code == 200]
    numbers: dict[int, list[int]] = {}
    for one in bought:
        numbers.setdefault(one["process"], []).append(one["number"])
    assert len(numbers) == 3
    for of_process in numbers.values():
        # Each process counts what it gets. A number that nobody was told would be a purchase that was made twice.
        first = min(of_process)
        assert sorted(of_process) == list(range(first, first + len(of_process)))


def test_somebody_waits_for_the_web_process_to_come(make_site: MakeSite, form: bytes) -> None:
    site = make_site()
    answers: list[httpx.Response] = []

    def person() -> None:
        with site.client() as client:
            answers.append(client.post("/buy", content=form))

    waiting = threading.Thread(target=person, daemon=True)
    waiting.start()
    time.sleep(1)
    assert not answers
    site.web.start(site.web_port)
    waiting.join(20)

    told = answers[0].json()
    assert (told["path"], told["number"], told["length"]) == ("/buy", 1, len(form))


def test_when_nobody_comes_a_page_says_so_and_the_log_keeps_secrets(make_site: MakeSite) -> None:
    site = make_site(RETRY_FOR="1s")
    with site.client() as client:
        answer = client.get(
            "/media/x.webp?sig=TOPSECRET-1",
            headers={"Authorization": "Bearer TOPSECRET-2", "X-Session-Token": "TOPSECRET-3", "Cookie": "TOPSECRET-4"},
        )

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "server" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "We will be back in a moment" in answer.text
    assert 'http-equiv="refresh"' in answer.text
    site.stop()
    log = site.caddy.output.read_text()
    assert "serving initial configuration" in log
    assert "TOPSECRET" not in log


NAMED = {"WEB_HOST": "web.test."}


def test_every_replica_is_used_and_one_that_stops_is_passed_over(
    make_site: MakeSite, names: Names, tmp_path: Path, form: bytes
) -> None:
    names.addresses = ["127.0.0.1", "127.0.0.2"]
    site = make_site(**NAMED, LOOKUP_EVERY=f"1s\nresolvers udp/127.0.0.1:{names.port}")
    other = upstream(site.web_port, tmp_path / "other.log", "web-2", "127.0.0.2")
    site.web.start(site.web_port)
    try:
        other.start(site.web_port, "127.0.0.2")
        assert {site.get("/shop").headers["x-upstream"] for _ in range(40)} == {"web", "web-2"}
    finally:
        other.stop()

    # The name still stands for both.
    with site.client() as client:
        answers = [client.post("/buy", content=form) for _ in range(20)]
    assert {(answer.status_code, answer.headers["x-upstream"]) for answer in answers} == {(200, "web")}


def test_a_container_that_comes_back_elsewhere_is_found(
    make_site: MakeSite, names: Names, tmp_path: Path, form: bytes
) -> None:
    """As Docker restarts a service: its name is gone, then it stands for another address that does not answer yet."""
    names.addresses = ["127.0.0.1"]
    site = make_site(**NAMED, LOOKUP_EVERY=f"1s\nresolvers udp/127.0.0.1:{names.port}")
    site.web.start(site.web_port)
    assert site.get("/shop").headers["x-upstream"] == "web"
    other = upstream(site.web_port, tmp_path / "other.log", "web-2", "127.0.0.2")
    answers: list[httpx.Response] = []

    def person() -> None:
        with site.client() as client:
            answers.append(client.post("/buy", content=form))

    try:
        site.web.stop()
        names.addresses = []
        waiting = [threading.Thread(target=person, daemon=True) for _ in range(5)]
        for one in waiting:
            one.start()
        time.sleep(1.5)
        names.addresses = ["127.0.0.2"]
        time.sleep(1.5)
        assert not answers
        other.start(site.web_port, "127.0.0.2")
        for one in waiting:
            one.join(20)
    finally:
        other.stop()

    assert [answer.status_code for answer in answers] == [200] * 5
    assert sorted(answer.json()["number"] for answer in answers) == [1, 2, 3, 4, 5]


def test_tls(make_site: MakeSite, tmp_path: Path) -> None:
    """With https:// the same file serves TLS and sends plain visitors there; localhost's certificate is Caddy's own."""
    http, https = str(free_port()), str(free_port())
    site = make_site(PUBLIC_URL="https://localhost", HTTP_PORT=http, HTTPS_PORT=https)
    site.web.start(site.web_port)
    authority = tmp_path / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    # The certificate is made as Caddy starts; until then a handshake fails.
    deadline = time.monotonic() + 60
    while True:
        try:
            context = ssl.create_default_context(cafile=str(authority))
            told = httpx.get(f"https://localhost:{https}/headers", verify=context, trust_env=False).json()
            break
        except (OSError, httpx.HTTPError):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert told["x-forwarded-proto"] == "https"
    plain = httpx.get(f"http://localhost:{http}/shop?x=1", trust_env=False)
    assert plain.status_code == 308
    assert plain.headers["location"] in {"https://localhost/shop?x=1", f"https://localhost:{https}/shop?x=1"}
