"""Which migrations this code has, and which the database has: asked by every process, so without Alembic."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.infra.unit_of_work import Tx

FOLDER: Final = Path(__file__).parents[2] / "migrations"
# As every migration file says it, in a line of its own.
_LINE: Final = re.compile(r'^(revision|down_revision) = "(\w+)"$', re.MULTILINE)


class Revisions(msgspec.Struct, frozen=True):
    """All revisions among the files; ``head`` is the newest."""

    head: str
    known: frozenset[str]


@functools.cache
def revisions() -> Revisions:
    """Read the revisions of the files."""
    headers = [dict(_LINE.findall(file.read_text("utf-8"))) for file in (FOLDER / "versions").glob("*.py")]
    known = frozenset(lines["revision"] for lines in headers if "revision" in lines)
    (head,) = known - {lines.get("down_revision") for lines in headers}
    return Revisions(head, known)


async def current(tx: Tx) -> str:
    """The revision of the database, or an empty text when it has none."""
    try:
        return str((await tx.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none() or "")
    except DBAPIError:
        return ""
