"""All SQL about people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from backend.identity import rules
from backend.identity.models import Premium, User
from backend.identity.types import Contact, UserDetail, UserRow
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.text import Locale

_ROOT_LOCK: Final = 0x50_55_4B_01


class Person(msgspec.Struct, frozen=True):
    """A row of users as the service needs it to make an Actor or to see what Telegram has changed."""

    id: UserId
    telegram_id: int
    first_name: str
    last_name: str | None
    username: str | None
    photo_url: str | None
    telegram_premium: bool
    language: str
    language_code: str | None
    language_chosen: bool
    timezone: str | None
    timezone_chosen: bool
    is_root: bool
    permissions: list[str]
    is_reseller: bool
    is_premium: bool
    premium_until: datetime | None
    role_version: int
    blacklist_reason: str | None
    blocked_until: datetime | None
    bot_blocked_at: datetime | None
    seen_at: datetime | None


# In the same statement, so that it is no round trip more. By its name: RETURNING would not see which person is meant.
PREMIUM_UNTIL = (
    select(Premium.until)
    .where(Premium.user_id == literal_column("users.id", Uuid()))
    .scalar_subquery()
    .label("premium_until")
)
_PERSON = tuple(PREMIUM_UNTIL if name == "premium_until" else getattr(User, name) for name in Person.__struct_fields__)
_BY_ID = HotStatement(select(*_PERSON).where(User.id == bindparam("user_id")))
_BY_TELEGRAM_ID = select(*_PERSON).where(User.telegram_id == bindparam("telegram_id"))


def _person(row: Sequence[Any]) -> Person:
    return Person(*row)


async def find_person(tx: Tx, user_id: UserId) -> Person | None:
    """The person, or None."""
    rows = await tx.fetch(_BY_ID, {"user_id": user_id})
    return _person(rows[0]) if rows else None


async def find_person_by_telegram_id(tx: Tx, telegram_id: int) -> Person | None:
    """The person, or None."""
    row = (await tx.execute(_BY_TELEGRAM_ID, {"telegram_id": telegram_id})).one_or_none()
    return _person(row) if row else None


def is_blocked(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a person is blocked at a moment; a block with an end is over by itself then."""
    return and_(User.blacklisted_at.is_not(None), or_(User.blocked_until.is_(None), User.blocked_until > now))


_NOW: Final[ColumnElement[datetime]] = bindparam("now", type_=DateTime(timezone=True))
IS_BLOCKED: Final = is_blocked(_NOW)
"""Whether a person is blocked at the statement's ``now``."""


def accounts(now: datetime) -> Select[UUID, int, bool]:
    """Each person's ``id``, ``telegram_id`` and whether they are ``blocked`` at ``now``."""
    return select(User.id, User.telegram_id, is_blocked(now).label("blocked"))


def these(ids: Iterable[UserId]) -> Select[Any]:
    """The ids of those people in ``ids`` that exist, as a statement."""
    return select(User.id).where(User.id.in_(list(ids)))


async def list_persons(tx: Tx, ids: Select[Any], limit: int) -> list[Person]:
    """The first persons of a selection of ids."""
    statement = select(*_PERSON).where(User.id.in_(ids)).order_by(User.id).limit(limit)
    return [_person(row) for row in await tx.execute(statement)]


async def lock_persons(tx: Tx, ids: Iterable[UserId]) -> dict[UserId, Person]:
    """The persons in ``ids`` that exist, locked in the order of their ids until the transaction ends."""
    statement = select(*_PERSON).where(User.id.in_(list(ids))).order_by(User.id).with_for_update()
    return {row.id: _person(row) for row in await tx.execute(statement)}


def _upsert() -> Any:
    new = insert(User).values(
        id=bindparam("id"),
        telegram_id=bindparam("telegram_id"),
        first_name=bindparam("first_name"),
        last_name=bindparam("last_name"),
        username=bindparam("username"),
        photo_url=bindparam("photo_url"),
        telegram_premium=bindparam("telegram_premium"),
        language=bindparam("language"),
        language_code=bindparam("language_code"),
        timezone=bindparam("timezone"),
        start_param=bindparam("start_param"),
        created_at=bindparam("now"),
        seen_at=bindparam("now"),
    )
    sent = new.excluded
    # The first language tag that Telegram reports sets the language, unless the person has chosen one before.
    is_first = and_(User.language_code.is_(None), sent.language_code.is_not(None), User.language_chosen.is_(False))
    return new.on_conflict_do_update(
        index_elements=[User.telegram_id],
        set_={
            "first_name": sent.first_name,
            "last_name": sent.last_name,
            "username": sent.username,
            "photo_url": func.coalesce(sent.photo_url, User.photo_url),
            "telegram_premium": sent.telegram_premium,
            "language": case((is_first, sent.language), else_=User.language),
            "language_code": func.coalesce(sent.language_code, User.language_code),
            "timezone": case((User.timezone_chosen, User.timezone), else_=func.coalesce(sent.timezone, User.timezone)),
            # The start parameter of the first contact stays; the root admin's row exists before their first contact.
            "start_param": case((User.seen_at.is_(None), sent.start_param), else_=User.start_param),
            "seen_at": sent.seen_at,
        },
    ).returning(*_PERSON)


_UPSERT = _upsert()


async def add_or_update(tx: Tx, contact: Contact, language: Locale) -> Person:
    """Register the person, or update what Telegram reports; two first contacts at the same time make one row."""
    values = {
        "id": tx.new_id(),
        "telegram_id": contact.telegram_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "username": contact.username,
        "photo_url": contact.photo_url,
        "telegram_premium": contact.is_premium,
        "language": language.value,
        "language_code": contact.language_code,
        "timezone": contact.timezone,
        "start_param": contact.start_param,
        "now": tx.now,
    }
    return _person((await tx.execute(_UPSERT, values)).one())


async def set_fields(tx: Tx, user_id: UserId, values: Mapping[str, Any]) -> None:
    """Change columns of one person. Raises NotFound."""
    result = await tx.execute(update(User).where(User.id == user_id).values(**values).returning(User.id))
    if result.one_or_none() is None:
        raise NotFound("no such user")


async def mark_bot_blocked(tx: Tx, user_id: UserId, at: datetime | None) -> bool:
    """Record since when the person has blocked the bot; None: they have unblocked it. Returns whether that is new."""
    changed = User.bot_blocked_at.is_(None) if at else User.bot_blocked_at.is_not(None)
    result = await tx.execute(update(User).where(User.id == user_id, changed).values(bot_blocked_at=at))
    return bool(result.rowcount)


async def lock_standing(tx: Tx, user_id: UserId) -> bool:
    """Whether the person is blocked; locked until the transaction ends. Raises NotFound."""
    statement = select(is_blocked(tx.now)).where(User.id == user_id).with_for_update(read=True)
    blocked: bool | None = (await tx.execute(statement)).scalar_one_or_none()
    if blocked is None:
        raise NotFound("no such user")
    return blocked


async def user_names(tx: Tx, ids: Iterable[UserId]) -> dict[UserId, str]:
    """First and last names of the people in ``ids`` that exist."""
    unique = list(set(ids))
    if not unique:
        return {}
    rows = await tx.execute(select(User.id, User.first_name, User.last_name).where(User.id.in_(unique)))
    return {row.id: " ".join(filter(None, (row.first_name, row.last_name))) for row in rows}


async def usernames(tx: Tx, ids: Iterable[UserId]) -> dict[UserId, str]:
    """The @username, without its sign, of those people in ``ids`` who have one."""
    statement = select(User.id, User.username).where(User.id.in_(set(ids)), User.username.is_not(None))
    return {row.id: row.username for row in await tx.execute(statement)}


ROW: Final = (
    User.id,
    User.telegram_id,
    User.first_name,
    User.last_name,
    User.username,
    User.photo_url,
    User.language,
    User.is_root,
    User.permissions,
    User.is_reseller,
    User.is_premium,
    IS_BLOCKED.label("blocked"),
    User.bot_blocked_at,
    User.created_at,
)


def _row_values(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "telegram_id": row.telegram_id,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "username": row.username,
        "photo_url": row.photo_url,
        "language": Locale(row.language),
        "is_root": row.is_root,
        "is_admin": bool(rules.held(row.permissions, is_root=row.is_root)),
        "is_reseller": row.is_reseller,
        "is_premium": row.is_premium,
        "blocked": row.blocked,
        "blocked_bot": row.bot_blocked_at is not None,
        "created_at": row.created_at,
    }


def user_row(row: Any) -> UserRow:
    """The Struct of a row that has ROW; its statement needs ``now``."""
    return UserRow(**_row_values(row))


_ID_DIGITS = 18


def matches(query: str) -> ColumnElement[bool]:
    """Whether a person is found by the start of Telegram ID or @username, or by a part of the name."""
    if query.isascii() and query.isdigit() and len(query) <= _ID_DIGITS:
        # All IDs that start with these digits, as ranges that use the index.
        first = int(query)
        more = [10**digits for digits in range(_ID_DIGITS - len(query) + 1)]
        return or_(*(User.telegram_id.between(first * factor, (first + 1) * factor - 1) for factor in more))
    if query.startswith("@"):
        return func.lower(User.username).startswith(query[1:].lower(), autoescape=True)
    name = func.concat_ws(" ", User.first_name, User.last_name)
    return or_(
        name.icontains(query, autoescape=True),
        func.lower(User.username).startswith(query.lower(), autoescape=True),
    )


def matching(query: str) -> Select[UUID]:
    """The ids of all people whom a query of ``list_users`` finds, for a condition of another slice's statement."""
    return select(User.id).where(matches(query))


async def list_users(tx: Tx, query: str, before: UUID | None, limit: int, also: Sequence[UserId] = ()) -> list[UserRow]:
    """People by start of Telegram ID or @username, by part of the name, or in ``also``.

    The newest first, from those created before the person ``before``.
    """
    statement = select(*ROW).order_by(User.id.desc()).limit(limit)
    if query:
        statement = statement.where(or_(matches(query), User.id.in_(also)))
    if before:
        statement = statement.where(User.id < before)
    return [user_row(row) for row in await tx.execute(statement, {"now": tx.now})]


_DETAILS = select(
    *ROW,
    User.timezone,
    User.start_param,
    User.telegram_premium,
    User.blacklisted_at,
    User.blacklist_reason,
    User.blocked_until,
    User.seen_at,
)
_DETAIL = _DETAILS.where(User.id == bindparam("user_id"))
_ADMIN_DETAILS = _DETAILS.where(or_(User.is_root, User.permissions != text("'{}'"))).order_by(
    User.is_root.desc(), User.id
)


async def get_user(tx: Tx, user_id: UserId, default_timezone: str) -> UserDetail:
    """Everything that the back office shows about one person. Raises NotFound."""
    row = (await tx.execute(_DETAIL, {"user_id": user_id, "now": tx.now})).one_or_none()
    if row is None:
        raise NotFound("no such user")
    return _detail(row, default_timezone)


async def list_admin_details(tx: Tx, default_timezone: str) -> list[UserDetail]:
    """Every admin, the root admin first."""
    return [_detail(row, default_timezone) for row in await tx.execute(_ADMIN_DETAILS, {"now": tx.now})]


_CAME: Final = text(
    """
    SELECT width_bucket(created_at, :starts) AS bucket, count(*) AS people FROM users
    WHERE created_at >= :since GROUP BY bucket
    """
).bindparams(bindparam("starts", type_=ARRAY(DateTime(timezone=True))))


async def count_between(tx: Tx, starts: Sequence[datetime]) -> list[int]:
    """How many people first came from each of ``starts`` (ascending) until the next, from the last one until now."""
    rows = await tx.execute(_CAME, {"starts": list(starts), "since": starts[0]})
    came = {row.bucket: row.people for row in rows}
    return [came.get(number, 0) for number in range(1, len(starts) + 1)]


def _detail(row: Any, default_timezone: str) -> UserDetail:
    return UserDetail(
        **_row_values(row),
        permissions=rules.held(row.permissions, is_root=row.is_root),
        timezone=row.timezone or default_timezone,
        start_param=row.start_param,
        telegram_premium=row.telegram_premium,
        blocked_at=row.blacklisted_at if row.blocked else None,
        block_reason=row.blacklist_reason if row.blocked else None,
        blocked_until=row.blocked_until if row.blocked else None,
        seen_at=row.seen_at,
    )


async def find_root(tx: Tx) -> int | None:
    """The Telegram ID of the root admin, or None before the first start."""
    root: int | None = (await tx.execute(select(User.telegram_id).where(User.is_root))).scalar_one_or_none()
    return root


async def move_root(tx: Tx, telegram_id: int, language: Locale) -> None:
    """Make ``telegram_id`` the only root admin; the former one becomes a person without permissions."""
    await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ROOT_LOCK})
    if await find_root(tx) == telegram_id:
        return
    await tx.execute(text("SET LOCAL souk.root_change = 'on'"))
    await tx.execute(update(User).where(User.is_root).values(is_root=False, permissions=[]))
    root = insert(User).values(
        id=tx.new_id(), telegram_id=telegram_id, language=language.value, is_root=True, created_at=tx.now
    )
    freed = {"is_root": True, "blacklisted_at": None, "blacklist_reason": None, "blocked_until": None}
    await tx.execute(root.on_conflict_do_update(index_elements=[User.telegram_id], set_=freed))
    await tx.execute(text("SET LOCAL souk.root_change = 'off'"))
