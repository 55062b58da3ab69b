"""How admins find products by name, in any state: the index of words chooses them, no table is read through."""

from __future__ import annotations

from typing import Final

from backend.catalog.repository import search
from backend.catalog.rules.naming import Name
from backend.infra.unit_of_work import Tx

_MOST: Final = 5_000
_DOCUMENTS: Final = "search_documents d WHERE d.words @@ CAST(:words AS tsquery)"
# Arrays: with a join, the planner takes a beginning that nothing has for frequent, and walks a whole table.
CHOSEN: Final = f"ANY (ARRAY(SELECT d.product_id FROM {_DOCUMENTS} LIMIT {_MOST}))"  # noqa: S608 - constants of ours
"""The ids of products whose documents have ``:words``; of more than 5,000 any 5,000."""
_FEW: Final = f"p.id = ANY (ARRAY(SELECT d.product_id FROM {_DOCUMENTS}))"  # noqa: S608 - constants of ours
_MANY: Final = f"EXISTS (SELECT FROM {_DOCUMENTS} AND d.product_id = p.id OFFSET 0)"


async def condition(tx: Tx, name: Name) -> str:
    """The condition of a product ``p`` in a list by id: where many have the words, they are met along the list."""
    known = await search.frequencies(tx, name.query.terms, 0)
    return _MANY if name.query.estimate(known, 0).named > _MOST else _FEW
