"""Fails a test that records in the audit trail a fact or a choice that the back office has no words for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from backend.infra import audit
from backend.infra.audit import Content
from webapp.identity.screens.audit import unworded
from webapp.identity.screens.audit_values import untitled


@pytest.fixture(autouse=True)
def _audited(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    record, facts, choices = audit.record, set[str](), set[str]()

    async def listening(tx: Any, actor_id: Any, action: str, subject: str, params: Any = None, **more: Any) -> None:
        content = {"params": params or {}, **{name: more[name] or {} for name in ("before", "after") if name in more}}
        stored = msgspec.to_builtins(content, str_keys=True, enc_hook=str)
        facts.update(f"{action}: {name}" for name in unworded(action, Content(**stored)))
        choices.update(f"{action}: {choice}" for choice in untitled(action, content))
        await record(tx, actor_id, action, subject, params, **more)

    monkeypatch.setattr(audit, "record", listening)
    yield
    if facts:
        pytest.fail(f"no words in webapp/identity/screens/audit_facts.py for {sorted(facts)}")
    if choices:
        pytest.fail(f"no title in webapp/identity/screens/audit_values.py for {sorted(choices)}")
