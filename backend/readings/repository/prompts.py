"""The SQL of prompts: each change is a version, and none is changed later."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.models import ReadingPrompt
from backend.readings.types.models import Prompt, PromptBody

_P: Final = ReadingPrompt.__table__.c
_COLUMNS: Final = (_P.language, _P.version, _P.body, _P.made_at, _P.made_by)


def _prompt(row: Any) -> Prompt:
    # Without a body the texts that came with Souk count again.
    body = msgspec.convert(row.body, PromptBody) if row.body else None
    return Prompt(language=row.language, version=row.version, body=body, changed_at=row.made_at, changed_by=row.made_by)


async def find_latest(tx: Tx, language: str) -> Prompt | None:
    """A language's newest version; None while it was never changed."""
    newest = select(*_COLUMNS).where(_P.language == language).order_by(_P.version.desc()).limit(1)
    row = (await tx.execute(newest)).one_or_none()
    return None if row is None else _prompt(row)


async def list_latest(tx: Tx) -> list[Prompt]:
    """The newest version of each language that was changed."""
    newest = select(*_COLUMNS).order_by(_P.language, _P.version.desc()).ext(distinct_on(_P.language))
    return [_prompt(row) for row in await tx.execute(newest)]


async def list_versions(tx: Tx, language: str, most: int) -> list[Prompt]:
    """A language's last versions, newest first."""
    versions = select(*_COLUMNS).where(_P.language == language).order_by(_P.version.desc()).limit(most)
    return [_prompt(row) for row in await tx.execute(versions)]


async def add(tx: Tx, language: str, replaced: int, body: PromptBody | None, made_by: UserId) -> bool:
    """Store the version after ``replaced``; False where there is one already, or ``replaced`` is not the newest."""
    newest = select(func.coalesce(func.max(_P.version), 0)).where(_P.language == language)
    if (await tx.execute(newest)).scalar_one() != replaced:
        return False
    row = {
        "language": language, "version": replaced + 1, "made_at": tx.now, "made_by": made_by,
        "body": None if body is None else msgspec.to_builtins(body),
    }  # fmt: skip
    statement = insert(ReadingPrompt).values(row).on_conflict_do_nothing().returning(_P.version)
    return (await tx.execute(statement)).first() is not None
