"""SQL of what people searched for lately, and of what they want to be told of."""

from __future__ import annotations

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.catalog.models.searching import RecentSearch, SearchWish
from backend.catalog.types import ProductId
from backend.catalog.types.search import WishRow
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_OPEN = SearchWish.told_at.is_(None)
# Beyond the newest ``keep`` of a person, the oldest go.
_TRIM = text(
    """
    DELETE FROM recent_searches WHERE user_id = :user_id AND key IN (
        SELECT key FROM recent_searches WHERE user_id = :user_id ORDER BY searched_at DESC, key OFFSET :keep
    )
    """
)
_TRIM_WISHES = text(
    """
    DELETE FROM search_wishes WHERE user_id = :user_id AND key IN (
        SELECT key FROM search_wishes WHERE user_id = :user_id ORDER BY asked_at DESC, key OFFSET :keep
    )
    """
)


async def add_recent(tx: Tx, user_id: UserId, key: str, typed: str, keep: int) -> None:
    """Note a search as the person's latest; of others they keep the newest."""
    row = {"user_id": user_id, "key": key, "typed": typed, "searched_at": tx.now}
    again = {"typed": typed, "searched_at": tx.now}
    statement = upsert(RecentSearch).values(row).on_conflict_do_update(index_elements=["user_id", "key"], set_=again)
    await tx.execute(statement)
    await tx.execute(_TRIM, {"user_id": user_id, "keep": keep})


async def list_recent(tx: Tx, user_id: UserId) -> list[str]:
    """What the person searched for, the latest first."""
    statement = select(RecentSearch.typed).where(RecentSearch.user_id == user_id)
    return list((await tx.execute(statement.order_by(RecentSearch.searched_at.desc(), RecentSearch.key))).scalars())


async def delete_recent(tx: Tx, user_id: UserId) -> None:
    """Forget the person's searches."""
    await tx.execute(delete(RecentSearch).where(RecentSearch.user_id == user_id))


async def add_wish(tx: Tx, user_id: UserId, key: str, typed: str, keep: int) -> None:
    """Note that the person waits for what this search may find; of others they keep the newest."""
    row = {"user_id": user_id, "key": key, "typed": typed, "asked_at": tx.now}
    again = {"typed": typed, "asked_at": tx.now, "told_at": None, "product_id": None}
    statement = upsert(SearchWish).values(row).on_conflict_do_update(index_elements=["user_id", "key"], set_=again)
    await tx.execute(statement)
    await tx.execute(_TRIM_WISHES, {"user_id": user_id, "keep": keep})


async def list_open_wishes(tx: Tx, limit: int) -> list[WishRow]:
    """What is wished for and not had, the most wanted first."""
    people, asked = func.count().label("people"), func.max(SearchWish.asked_at).label("asked_at")
    typed = func.max(SearchWish.typed).label("typed")
    statement = select(SearchWish.key, typed, people, asked).where(_OPEN).group_by(SearchWish.key)
    statement = statement.order_by(people.desc(), asked.desc(), SearchWish.key).limit(limit)
    return [WishRow(row.key, row.typed, row.people, row.asked_at) for row in await tx.execute(statement)]


async def take_wishers(tx: Tx, key: str, product_id: ProductId) -> list[tuple[UserId, str]]:
    """Mark everybody who waits for this search as told of the product; who they are and what they typed."""
    statement = update(SearchWish).where(SearchWish.key == key, _OPEN).values(told_at=tx.now, product_id=product_id)
    rows = await tx.execute(statement.returning(SearchWish.user_id, SearchWish.typed))
    return [(UserId(row.user_id), row.typed) for row in rows]
