"""The Caddyfile that is shipped, run by a real Caddy on loopback."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from backend.infra.embedded import free_port
from backend.infra.i18n import translator
from backend.infra.storage import UPLOAD_MB
from backend.kernel.text import Locale
from tests.deployment.caddy import CADDY, ROOT, MakeSite, Site
from tests.deployment.upstream import PAGE
from webapp.core.errors import MESSAGES
from webapp.core.uploads import LARGEST_FORM


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


@pytest.mark.parametrize("path", ["/live", "/live/reading/01890000-0000-7000-8000-000000000000"])
@pytest.mark.parametrize("accepted", ["identity", "gzip", "zstd, gzip"])
def test_a_stream_arrives_as_it_is_sent(site: Site, accepted: str, path: str) -> None:
    with site.client() as client, client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
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
    headers = site.get(
        "/headers",
        X_Forwarded_For="203.0.113.9",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="evil.example",
        Authorization="Bearer kept",
    ).json()

    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == f"127.0.0.1:{site.port}"
    assert headers["host"] == f"127.0.0.1:{site.port}"
    assert headers["authorization"] == "Bearer kept"


def test_a_body_has_its_largest_size(site: Site) -> None:
    with site.client() as client:
        assert client.post("/upload", content=b"x" * LARGEST_FORM).json()["length"] == LARGEST_FORM
        for size in (11_000_000, 19_999_999, 60_000_000, 100_000_000):
            assert client.post("/upload", content=b"x" * size).status_code == 413
        # One that does not say how long it is gets no further either; Caddy 2.6 calls that 502, later ones 413.
        endless = client.post("/upload", content=iter([b"x" * 100_000] * 120))
        assert endless.status_code in {413, 503}
        assert "x-upstream" not in endless.headers


@pytest.mark.parametrize("language", ["en-GB,en;q=0.9", "ar-EG", "ru", "de"])
def test_the_words_about_a_large_body_are_the_apps(site: Site, language: str) -> None:
    with site.client() as client:
        answer = client.post("/upload", content=b"x" * 11_000_000, headers={"accept-language": language})
    words = translator(Locale.closest(language)).gettext(MESSAGES["too_large"]).format(size=UPLOAD_MB)
    assert f'data-toast="{words}"' in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/broken", 503)])
def test_the_shops_own_error_pages_stay_its_own(site: Site, path: str, status: int) -> None:
    answer = site.get(path)

    assert (answer.status_code, answer.text) == (status, "our own page about that")


def test_other_hosts_get_nothing(site: Site) -> None:
    assert site.get("/shop", Host="evil.example").content == b""


def test_the_health_check_of_the_container(site: Site) -> None:
    answer = httpx.get(f"http://127.0.0.1:{site.health}/", trust_env=False)

    assert (answer.status_code, answer.text) == (200, "ok")


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
            headers = httpx.get(f"https://localhost:{https}/headers", verify=context, trust_env=False).json()
            break
        except (OSError, httpx.HTTPError):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert headers["x-forwarded-proto"] == "https"
    plain = httpx.get(f"http://localhost:{http}/shop?x=1", trust_env=False)
    assert plain.status_code == 308
    assert plain.headers["location"] in {"https://localhost/shop?x=1", f"https://localhost:{https}/shop?x=1"}
