"""Metrics are served from a thread that outlives nothing it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.infra.metrics import serve_metrics


def test_the_shared_folder_is_read_before_the_thread_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
    # In the thread it would be a traceback beside the one line of a process that can't start.
    with pytest.raises(ValueError, match="not a directory"):
        serve_metrics(0, "127.0.0.1")
