"""The SQL of how people are told apart in files."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from backend.identity.models import User
from backend.identity.types import PersonContact
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


async def list_contacts(tx: Tx, ids: Collection[UserId]) -> dict[UserId, PersonContact]:
    """The people in ``ids`` that exist."""
    columns = (User.id, User.first_name, User.last_name, User.username, User.telegram_id)
    rows = await tx.execute(select(*columns).where(User.id.in_(ids)))
    return {
        UserId(row.id): PersonContact(
            " ".join(filter(None, (row.first_name, row.last_name))), row.username or "", row.telegram_id
        )
        for row in rows
    }
