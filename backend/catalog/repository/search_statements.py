"""The statements by which a search finds products.

Products come by tiers: those with all words in their name first, then those that have them anywhere; in each, those
in stock first. The tiers are 0 to 3; 0 and 1 alone where the results are sorted otherwise.
"""

from __future__ import annotations

import functools
from typing import Final

from sqlalchemy import Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.catalog.repository.storefront import LISTED, ORDER
from backend.catalog.types import Sort

ANY: Final = "d.words @@ CAST(:query AS tsquery)"
"""The condition on the words of a document: all of them are there."""
NAMED: Final = "d.words @@ CAST(:named AS tsquery)"
"""All of them are in the name."""
OTHER: Final = f"{ANY} AND NOT {NAMED}"
"""All of them are there, not all in the name."""
MOST_BEGINNING: Final = 300
"""Of the words that begin with what was typed so many are counted."""

_LAST_SIGN: Final = chr(0x10FFFF)
# The words of a beginning are named to the index where they are not more.
_MOST_SPELLED: Final = 4
_SAMPLE: Final = 200
# So many of what sells best are looked through for a sample of a frequent query.
_BEST: Final = 500
_PACKED: Final = "jsonb_agg(jsonb_build_array(s.category_id, s.country, s.price_amount))"
_TIER: Final = "CAST(:tier AS bigint)"
_INDEXED: Final = "d.words @@ CAST(:indexed AS tsquery)"
_INDEXED_NAMED: Final = "d.words @@ CAST(:indexed_named AS tsquery)"
_UNLIKE: Final = " AND NOT d.words @@ CAST(:unlike AS tsquery)"
_CONDITIONS: Final = {
    "categories": "category_id = ANY(CAST(:categories AS uuid[]))",
    "country": "country = CAST(:country AS text)",
    "most": "price_amount <= CAST(:most AS bigint)",
    "in_stock": "in_stock",
}

FREQUENCIES: Final = text(
    f"""
    SELECT word, false AS begins, products, named, 1 AS words, NULL AS each FROM search_words WHERE word = ANY(:exact)
    UNION ALL
    SELECT b.word COLLATE "C", true, f.*
    FROM unnest(:beginnings) AS b (word) CROSS JOIN LATERAL (
        SELECT coalesce(sum(products), 0) AS products, coalesce(sum(named), 0) AS named, count(*) AS words,
               CASE WHEN count(*) <= {_MOST_SPELLED} THEN array_agg(word) END AS each FROM (
            SELECT word, products, named FROM search_words
            WHERE word >= b.word COLLATE "C" AND word < (b.word || '{_LAST_SIGN}') COLLATE "C" LIMIT {MOST_BEGINNING}
        ) begun
    ) f
    """  # noqa: S608 - constants of ours
).bindparams(*(bindparam(name, type_=ARRAY(Text())) for name in ("exact", "beginnings")))
NEW_WORDS: Final = text("SELECT word, added FROM search_words WHERE added > :after ORDER BY added")
ALIKE: Final = text(
    "SELECT sound, word FROM search_words WHERE sound = ANY(:sounds) AND products > 0 ORDER BY products DESC, word"
).bindparams(bindparam("sounds", type_=ARRAY(Text())))


@functools.lru_cache(maxsize=512)
def walk_statement(
    words: str, shape: frozenset[str], sort: Sort | None, *, after: bool, scan: int, limit: int
) -> TextClause:
    """A page of one tier: of the next ``scan`` products in their order those that have the words.

    ``shape`` names the conditions beside the words, ``after`` says that the page begins after a place.
    """
    order, further = _order(sort)
    unlike = _UNLIKE if "unlike" in shape else ""
    where = ["listed", "in_stock = CAST(:stocked AS boolean)", *_conditions(shape - {"in_stock"})]
    if after:
        where.append(further)
    return text(
        f"""
        SELECT {LISTED}, p.category_id, {_TIER} AS tier FROM (
            SELECT w.id FROM (
                SELECT id, popularity, price_amount FROM products WHERE {" AND ".join(where)}
                ORDER BY {order} LIMIT {scan}
            ) w CROSS JOIN LATERAL (
                -- OFFSET 0: document by document, not all that have the words
                SELECT FROM search_documents d WHERE d.product_id = w.id AND {words}{unlike} OFFSET 0
            ) found ORDER BY {order} LIMIT {limit}
        ) page JOIN products p ON p.id = page.id JOIN categories c ON c.id = p.category_id ORDER BY {_prefixed(order)}
        """  # noqa: S608 - built of constants above
    )


@functools.lru_cache(maxsize=512)
def match_statement(
    words: str,
    first: int,
    shape: frozenset[str],
    sort: Sort | None,
    *,
    after: bool,
    scan: int,
    limit: int,
    sampled: bool,
) -> TextClause:
    """A page of all tiers from ``first`` on: everything that has the words is fetched by their index.

    Where that is ``:least`` products or more, the first tier is met on the way along the next ``scan`` products in
    their order, which their index alone tells. What makes no page so is looked up and sorted. ``sampled``: the first
    row has a sample of what was fetched.
    """
    order, further = _order(sort)
    unlike = _UNLIKE if "unlike" in shape else ""
    tiered = words == ANY and sort is None
    base = f"CASE WHEN {NAMED} THEN 0 ELSE 2 END" if tiered else str(first)
    where = ["listed", *_conditions(shape)]
    if after:
        where.append(f"(tier > {_TIER} OR (tier = {_TIER} AND {further}))")
    walks = bool(scan)
    nearest = tiered and walks and not after
    walked = "(SELECT count(*) FROM walked)"
    fetched = "SELECT product_id FROM matching"
    if nearest:
        near = f"SELECT product_id FROM nearest WHERE {walked} = {limit}"  # noqa: S608 - constants of ours
        fetched = f"({near} UNION ALL {fetched} WHERE {walked} < {limit})"
    sample = f"(SELECT {_PACKED} FROM ({_looked_up(fetched)}) s)" if sampled else "NULL"  # noqa: S608 - constants of ours
    return text(
        f"""
        WITH matching AS MATERIALIZED (
            SELECT d.product_id, {base} AS base FROM search_documents d WHERE {_indexed(words, shape)}{unlike}
        ), {_nearest(shape) if nearest else ""}
        {_walked(order, further if after else "", scan, limit, nearest=nearest, after=after) if walks else ""}
        page AS MATERIALIZED (
            {f"SELECT id, tier FROM walked WHERE {walked} = {limit} UNION ALL" if walks else ""}
            (SELECT id, tier FROM (
                SELECT q.*, m.base + CASE WHEN q.in_stock THEN 0 ELSE 1 END AS tier FROM matching m
                -- OFFSET 0: product by product; a join reads the index of all products for more than some hundred
                CROSS JOIN LATERAL (SELECT * FROM products WHERE id = m.product_id OFFSET 0) q
                {f"WHERE {walked} < {limit}" if walks else ""}
            ) found WHERE {" AND ".join(where)} ORDER BY tier, {order} LIMIT {limit})
        )
        SELECT {LISTED}, p.category_id, page.tier,
               CASE WHEN p.id = (SELECT id FROM page LIMIT 1) THEN {sample} END AS sample
        FROM page JOIN products p ON p.id = page.id JOIN categories c ON c.id = p.category_id
        ORDER BY page.tier, {_prefixed(order)}
        """  # noqa: S608 - built of constants above
    )


def _indexed(words: str, shape: frozenset[str]) -> str:
    """The condition ``words``, of which the index is asked for a part only where the shape says so."""
    index, name = (_INDEXED_NAMED, "indexed_named") if words == NAMED else (_INDEXED, "indexed")
    return f"{index} AND ({words}) IS TRUE" if name in shape else words


def _nearest(shape: frozenset[str]) -> str:
    """The first tier that is not empty, without a look at the documents of the others: most of the cost of a match."""
    return f"""named AS MATERIALIZED (
            SELECT d.product_id FROM search_documents d
            WHERE {_indexed(NAMED, shape)}{_UNLIKE if "unlike" in shape else ""}
        ), nearest AS MATERIALIZED (
            SELECT product_id, 0 AS base FROM named UNION ALL
            SELECT product_id, base FROM matching WHERE NOT EXISTS (SELECT FROM named)
        ),"""  # noqa: S608 - constants of ours


def _walked(order: str, further: str, scan: int, limit: int, *, nearest: bool, after: bool) -> str:
    source = "nearest" if nearest else "matching"
    tier = _TIER if after else f"(SELECT base FROM {source} LIMIT 1)"  # noqa: S608 - constants of ours
    where = ["listed", f"in_stock = ({tier} % 2 = 0)" if after else "in_stock"]
    where += [further] if further else []
    where.append(f"(SELECT count(*) FROM {source}) >= CAST(:least AS bigint)")  # noqa: S608 - constants of ours
    ids = f"SELECT product_id FROM {source}" + (f" WHERE base = {tier} - {tier} % 2" if after else "")  # noqa: S608
    return f"""walked AS MATERIALIZED (
            SELECT id, {tier} AS tier FROM (
                SELECT id, popularity, price_amount FROM products WHERE {" AND ".join(where)}
                ORDER BY {order} LIMIT {scan}
            ) w
            -- IS TRUE: asked of a table in memory, row by row, for as long as the order needs
            WHERE (id IN ({ids})) IS TRUE
            ORDER BY {order} LIMIT {limit}
        ),"""  # noqa: S608 - built of constants above


@functools.cache
def sample_statement(broad: bool, shape: frozenset[str]) -> TextClause:
    """A sample of the products that have the query, as facets need them; ``broad``: of those that sell best."""
    if broad:
        matching = f"""
            SELECT s.category_id, s.country, s.price_amount FROM (
                SELECT id, category_id, country, price_amount FROM products WHERE listed AND in_stock
                ORDER BY popularity DESC, id DESC LIMIT {_BEST}
            ) s CROSS JOIN LATERAL (SELECT FROM search_documents d WHERE d.product_id = s.id AND {ANY} OFFSET 0) found
            LIMIT {_SAMPLE}
        """  # noqa: S608 - constants of ours
    else:
        condition = _indexed(ANY, shape)
        matching = _looked_up(f"SELECT product_id FROM search_documents d WHERE {condition}")  # noqa: S608 - constants of ours
    return text(f"SELECT {_PACKED} AS sample FROM ({matching}) s")  # noqa: S608 - constants of ours


def _looked_up(matching: str) -> str:
    return f"""
            SELECT s.category_id, s.country, s.price_amount FROM ({matching} LIMIT {_SAMPLE}) m
            CROSS JOIN LATERAL (SELECT * FROM products WHERE id = m.product_id AND listed OFFSET 0) s
    """  # noqa: S608 - constants of ours


def _conditions(shape: frozenset[str]) -> list[str]:
    return [condition for name, condition in _CONDITIONS.items() if name in shape]


def _order(sort: Sort | None) -> tuple[str, str]:
    return ORDER[sort or Sort.POPULAR]


def _prefixed(order: str) -> str:
    return ", ".join(f"p.{column}" for column in order.split(", "))
