"""SQL of what can be bought now, for every kind of goods; nothing else counts stock for people to see.

Counted live, and only up to ``most``: a page of 30 costs the same with 100 keys in stock as with a million. The kind
chooses the branch, so goods of one kind pay nothing for the others. Both expressions are NULL where any number can be
bought: a shared key or a file without a limit, goods by hand or a course without a number of places, or a kind that
keeps no stock here. A file that was never uploaded can't be bought.
"""

from __future__ import annotations

from typing import Final

# The index of available keys includes the column, so this costs no look at the table.
_UNEXPIRED: Final = "(k.expires_at IS NULL OR k.expires_at > now())"


def of_variant(most: str) -> str:
    """How many of variant ``v`` of product ``p`` anybody can buy, counted up to ``most``."""
    return _available(
        f"stock_keys k WHERE k.variant_id = v.id AND k.state = 'available' AND {_UNEXPIRED}",
        "shared_keys s WHERE s.variant_id = v.id",
        "w.id = v.id",
        "w.id = v.id",
        most,
    )


def of_variant_for(buyer: str, most: str) -> str:
    """How many of variant ``v`` of product ``p`` this person can buy: with what is held for them in the line."""
    held = f"SELECT w.quantity FROM stock_waits w WHERE w.variant_id = v.id AND w.user_id = {buyer}"  # noqa: S608
    return f"least(({of_variant(most)}) + coalesce(({held}), 0), {most})"


def of_product(most: str, *, hidden: bool = False) -> str:
    """How many of all variants of product ``p`` can be bought, with those of ``hidden`` variants or without."""
    shown = "" if hidden else " AND NOT v.hidden"
    return _available(
        f"variants v JOIN stock_keys k ON k.variant_id = v.id AND k.state = 'available' AND {_UNEXPIRED} "
        f"WHERE v.product_id = p.id{shown}",
        f"variants v JOIN shared_keys s ON s.variant_id = v.id WHERE v.product_id = p.id{shown}",
        f"w.product_id = p.id{shown.replace('v.', 'w.')}",
        # A plan that is off sale keeps its number of places, and nobody can buy them.
        "w.product_id = p.id AND NOT w.hidden",
        most,
    )


def has_stock() -> str:
    """Whether product ``p`` has anything to sell; of hidden variants too, but for a course's plans."""
    return f"coalesce({of_product('1', hidden=True)}, 1) > 0"


def _available(keys: str, shared: str, variants: str, plans: str, most: str) -> str:
    return f"""
    CASE p.kind
    WHEN 'unique_keys' THEN (SELECT count(*) FROM (SELECT FROM {keys} LIMIT {most}) counted)
    WHEN 'shared_key' THEN (
        SELECT CASE WHEN count(*) = 0 THEN 0
                    WHEN count(*) = count(s.remaining) THEN CAST(least(sum(s.remaining), {most}) AS bigint) END
        FROM {shared}
    )
    WHEN 'by_hand' THEN (
        SELECT CASE WHEN count(*) = 0 THEN 0
                    WHEN count(*) = count(h.places) THEN CAST(least(sum(greatest(h.left, 0)), {most}) AS bigint) END
        FROM (
            SELECT w.open_places AS places, CASE WHEN w.open_places IS NOT NULL THEN w.open_places - (
                SELECT coalesce(sum(o.quantity), 0) FROM hand_work o
                WHERE o.variant_id = w.id AND o.state IN ('reserved', 'open')
            ) END AS left FROM variants w WHERE {variants}
        ) h
    )
    WHEN 'course' THEN (
        SELECT CASE WHEN count(*) = 0 THEN 0
                    WHEN count(*) = count(l.remaining)
                    THEN CAST(least(sum(greatest(l.remaining, 0)), {most}) AS bigint) END
        FROM variants w LEFT JOIN variant_places l ON l.variant_id = w.id WHERE {plans}
    )
    WHEN 'file' THEN (
        SELECT CASE WHEN count(*) = 0 THEN 0
                    WHEN count(*) = count(l.remaining)
                    THEN CAST(least(sum(greatest(l.remaining, 0)), {most}) AS bigint) END
        FROM variants w JOIN file_offers o ON o.variant_id = w.id JOIN variant_places l ON l.variant_id = w.id
        WHERE {plans}
    ) END
    """  # noqa: S608 - constants of ours
