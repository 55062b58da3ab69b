"""A person's courses as a source of their timeline."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.catalog.domain import goods
from backend.courses.repository import timeline
from backend.infra.timeline import Before, Entry, EntryKind, Source
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId


async def _list(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    rows = await timeline.list_courses(tx, user_id, before, limit)
    if not rows:
        return []
    products = await goods.list_products(tx, {product_id for _, product_id in rows})
    return [msgspec.structs.replace(entry, name=products[product_id].fields.name) for entry, product_id in rows]


SOURCE: Final = Source(EntryKind.COURSE, _list)
