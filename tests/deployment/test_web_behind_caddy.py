"""The real web process behind the real Caddy: what a visitor's first request meets, and a restart of the shop."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from backend.infra.embedded import free_port
from backend.infra.settings import Settings
from tests.deployment.caddy import Program, Site


def environment(settings: Settings, **changes: str) -> dict[str, str]:
    """The settings as the variables that a process reads."""
    variables = {}
    for field in msgspec.structs.fields(Settings):
        value = getattr(settings, field.name)
        variables[field.encode_name] = (
            str(int(value)) if isinstance(value, bool) else str(getattr(value, "value", value))
        )
    return variables | changes


@pytest.fixture(scope="module")
def shop(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Caddy before ``python -m webapp``."""
    folder = tmp_path_factory.mktemp("shop")
    site = Site(folder)
    changes = {
        "PUBLIC_URL": site.url,
        "PORT": str(site.web_port),
        "HOST": "127.0.0.1",
        "METRICS_PORT": str(free_port()),
        "TRUSTED_PROXIES": "127.0.0.1",
        "LOG_FORMAT": "json",
    }
    site.web = Program([sys.executable, "-m", "webapp"], folder / "web.log", **environment(settings, **changes))
    try:
        site.web.start(site.web_port)
        yield site.start()
    finally:
        site.stop()


def test_the_shell_comes_through_whole(shop: Site) -> None:
    through = shop.get("/shop", Accept_Encoding="identity")
    direct = httpx.get(
        f"http://127.0.0.1:{shop.web_port}/orders", headers={"Accept-Encoding": "identity"}, trust_env=False
    )

    assert through.status_code == 200
    assert through.content == direct.content
    for name in ("content-type", "cache-control", "etag", "content-security-policy", "x-content-type-options"):
        assert through.headers[name] == direct.headers[name], name
    assert "server" not in through.headers
    again = shop.get("/wallet", Accept_Encoding="identity", If_None_Match=through.headers["etag"])
    assert again.status_code == 304


def test_pages_and_static_files_come_compressed(shop: Site) -> None:
    page = shop.get("/shop", Accept_Encoding="gzip")
    assert page.headers["content-encoding"] == "gzip"
    assert "</html>" in page.text


def test_who_is_not_signed_in_is_told_so(shop: Site) -> None:
    answer = shop.get("/shop", Authorization="Bearer nonsense", HX_Request="true")

    assert answer.status_code == 401


def test_it_is_ready_and_keeps_its_figures_to_itself(shop: Site) -> None:
    assert shop.get("/readyz").json()["status"] == "ready"
    assert shop.get("/healthz").status_code == 200
    assert shop.get("/metrics").status_code == 404


def test_a_restart_of_the_shop_is_not_noticed(shop: Site) -> None:
    statuses: list[int | str] = []
    ended = threading.Event()

    def person() -> None:
        with shop.client() as client:
            while not ended.is_set():
                try:
                    statuses.append(client.get("/shop").status_code)
                except httpx.HTTPError as error:
                    statuses.append(repr(error))
                time.sleep(0.01)

    people = [threading.Thread(target=person, daemon=True) for _ in range(4)]
    for one in people:
        one.start()
    try:
        time.sleep(0.3)
        shop.web.stop()
        shop.web.start(shop.web_port)
        time.sleep(0.5)
    finally:
        ended.set()
    for one in people:
        one.join()

    assert len(statuses) > 5
    assert set(statuses) == {200}


def test_the_log_of_the_start_holds_no_secret(shop: Site, settings: Settings) -> None:
    text = Path(shop.web.output).read_text() + shop.caddy.output.read_text()

    for secret in (settings.bot_token.partition(":")[2], settings.secret_key, settings.master_keys):
        assert secret not in text
