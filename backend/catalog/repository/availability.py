"""SQL of what can be bought now, for every kind of goods; nothing else counts stock for people to see.

Counted live, and only up to ``most``: a page of 30 costs the same with 100 keys in stock as with a million. The kind
chooses the branch, so goods of one kind pay nothing for the others. Both expressions are NULL where any number can be
bought: a shared key without a limit, or a kind that keeps no stock here.
"""

from __future__ import annotations


def of_variant(most: str) -> str:
    """How many of variant ``v`` of product ``p`` can be bought, counted up to ``most``."""
    return _available(
        "stock_keys k WHERE k.variant_id = v.id AND k.state = 'available'",
        "shared_keys s WHERE s.variant_id = v.id",
        most,
    )


def of_product(most: str, *, hidden: bool = False) -> str:
    """How many of all variants of product ``p`` can be bought, with those of ``hidden`` variants or without."""
    shown = "" if hidden else " AND NOT v.hidden"
    return _available(
        "variants v JOIN stock_keys k ON k.variant_id = v.id AND k.state = 'available' "
        f"WHERE v.product_id = p.id{shown}",
        f"variants v JOIN shared_keys s ON s.variant_id = v.id WHERE v.product_id = p.id{shown}",
        most,
    )


def has_stock() -> str:
    """Whether product ``p`` has anything to sell, of hidden variants too."""
    return f"coalesce({of_product('1', hidden=True)}, 1) > 0"


def _available(keys: str, shared: str, most: str) -> str:
    return f"""
    CASE p.kind
    WHEN 'unique_keys' THEN (SELECT count(*) FROM (SELECT FROM {keys} LIMIT {most}) counted)
    WHEN 'shared_key' THEN (
        SELECT CASE WHEN count(*) = 0 THEN 0
                    WHEN count(*) = count(s.remaining) THEN CAST(least(sum(s.remaining), {most}) AS bigint) END
        FROM {shared}
    ) END
    """  # noqa: S608 - constants of ours
