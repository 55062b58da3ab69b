"""All SQL about people as those to whom messages go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Text, Uuid, any_, bindparam, not_, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.identity.models import User
from backend.identity.repository import IS_BLOCKED
from backend.identity.types import Permission, Recipient
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.text import Locale

_RECIPIENT = (
    User.id,
    User.telegram_id,
    User.language,
    User.timezone,
    User.bot_blocked_at.is_not(None),
    IS_BLOCKED,
)
_RECIPIENT_BY_ID = select(*_RECIPIENT).where(User.id == bindparam("user_id"))
_RECIPIENTS = select(*_RECIPIENT).where(User.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
_ADMINS = (
    select(*_RECIPIENT)
    .where(or_(User.is_root, bindparam("permission", type_=Text) == any_(User.permissions)))
    .where(or_(User.is_root, User.permissions != text("'{}'")), not_(IS_BLOCKED))
    .order_by(User.id)
)


def _recipient(row: Sequence[Any], default_timezone: str) -> Recipient:
    user_id, telegram_id, language, timezone, blocked_bot, blocked = row
    return Recipient(user_id, telegram_id, Locale(language), timezone or default_timezone, blocked_bot, blocked)


async def get_recipient(tx: Tx, user_id: UserId, default_timezone: str) -> Recipient:
    """The person as a recipient. Raises NotFound."""
    row = (await tx.execute(_RECIPIENT_BY_ID, {"user_id": user_id, "now": tx.now})).one_or_none()
    if row is None:
        raise NotFound("no such user")
    return _recipient(row, default_timezone)


async def list_recipients(tx: Tx, ids: Iterable[UserId], default_timezone: str) -> dict[UserId, Recipient]:
    """The people in ``ids`` that exist, as recipients."""
    rows = await tx.execute(_RECIPIENTS, {"ids": list(ids), "now": tx.now})
    return {recipient.user_id: recipient for recipient in (_recipient(row, default_timezone) for row in rows)}


async def list_admins(tx: Tx, permission: Permission, default_timezone: str) -> list[Recipient]:
    """The people who hold ``permission`` and are not blocked; always with the root admin."""
    rows = await tx.execute(_ADMINS, {"permission": permission.value, "now": tx.now})
    return [_recipient(row, default_timezone) for row in rows]
