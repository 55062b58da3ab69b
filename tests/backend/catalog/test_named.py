"""Admins find products by their names and slugs, in any state; the index of words chooses them."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backend.catalog.repository import editing, finding, named
from backend.catalog.rules.naming import read_name
from backend.catalog.types.editing import ProductFilter
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from tests.factories.catalog import catalog_services, category, import_rows, product, variant

_NAMES = {"steam-gift": "Steam card", "xbox-pass": "Xbox Pass", "yolka-tree": "Ёлка", "steam-key": "Valve key"}


@pytest.mark.parametrize("most", [5_000, -1], ids=["few", "many"])
@pytest.mark.parametrize(
    ("typed", "slugs"),
    [
        ("steam", {"steam-gift", "steam-key"}), ("STE", {"steam-gift", "steam-key"}), ("steam card", {"steam-gift"}),
        ("gift steam", {"steam-gift"}), ("елка", {"yolka-tree"}), ("xbox-pass", {"xbox-pass"}), ("key", {"steam-key"}),
        ("instant", set()), ("steam xbox", set()),
    ],
)  # fmt: skip
async def test_each_word_begins_one_of_the_name_or_slug(
    uow: UnitOfWork, ring: KeyRing, monkeypatch: pytest.MonkeyPatch, typed: str, slugs: set[str], most: int
) -> None:
    monkeypatch.setattr(named, "_MOST", most)
    rows = [category("one")]
    for slug, called in _NAMES.items():
        rows += [product(slug, "one", name_en=called, summary_en="Instant"), variant(slug)]
    assert (await import_rows(catalog_services(uow, ring), rows)).applied
    name = read_name(typed)
    assert name is not None
    async with uow() as tx:
        assert {one.slug for one in await editing.list_managed(tx, ProductFilter(), name, None, 30)} == slugs
        assert {one.slug for one in await finding.list_products(tx, name, 30)} == slugs


async def test_no_table_is_read_through(uow: UnitOfWork) -> None:
    name = read_name("steam card")
    assert name is not None
    async with uow() as tx:
        await tx.execute(text("SET LOCAL enable_seqscan = off"))
        statement = f"EXPLAIN SELECT p.id FROM products p WHERE p.id = {named.CHOSEN}"
        plan = "\n".join((await tx.execute(text(statement), {"words": name.text()})).scalars())
    # Which index has a product's row is PostgreSQL's choice; on an almost empty table it changes with its statistics.
    assert "ix_search_documents_words" in plan and "Index Cond: (id = " in plan and "Seq Scan" not in plan


def test_what_has_no_word_is_no_name() -> None:
    assert read_name("_ % \\ ") is None
