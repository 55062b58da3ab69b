"""/metrics of the real web process, whose workers are processes of their own."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from backend.infra.embedded import free_port
from backend.infra.settings import Settings
from tests import processes

_LONGEST = 30


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _LONGEST
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{url} never answered")


def test_webhooks_are_counted_whichever_worker_took_them(
    other_settings: Callable[..., Settings],
    committed_db: None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = tmp_path_factory.mktemp("web") / "log"
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    shop = other_settings(port=free_port(), metrics_port=free_port(), web_workers=2)
    # What it counts with is chosen while it imports: a warm parent has chosen already.
    process = processes.start("webapp", shop, log, cold=True)
    try:
        _wait_for(f"http://127.0.0.1:{shop.port}/healthz")
        for _ in range(20):  # a connection each, so that both workers get some
            assert httpx.post(f"http://127.0.0.1:{shop.port}/hooks/nobody").status_code == 404
        metrics = httpx.get(f"http://127.0.0.1:{shop.metrics_port}/metrics").text
        assert 'souk_webhooks_total{method="unknown",outcome="not_found"} 20.0' in metrics
        process.send_signal(signal.SIGTERM)
        assert process.wait(_LONGEST) == 0
        assert list(tmp_path.iterdir()) == []  # the folder of the counts went with the process
    finally:
        process.kill()
        process.wait()
