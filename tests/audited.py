"""Fails a test that records in the audit trail what the back office has no words for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.infra import audit
from backend.infra.audit import Content
from webapp.identity.screens.audit import unworded


@pytest.fixture(autouse=True)
def _audited(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    record, unknown = audit.record, set[str]()

    async def listening(tx: Any, actor_id: Any, action: str, subject: str, params: Any = None, **more: Any) -> None:
        facts = {name: more[name] for name in ("before", "after") if name in more}
        for name in unworded(action, Content(params=params or {}, **facts)):
            unknown.add(f"{action}: {name}")
        await record(tx, actor_id, action, subject, params, **more)

    monkeypatch.setattr(audit, "record", listening)
    yield
    if unknown:
        pytest.fail(f"no words in webapp/identity/screens/audit_facts.py for {sorted(unknown)}")
