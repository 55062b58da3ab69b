"""A dump of the whole database tells nobody what was asked, nor what was answered."""

from __future__ import annotations

from sqlalchemy import text

from backend.infra.unit_of_work import Tx
from tests.backend.readings.table import TEXT, Table

QUESTION = "Shall I leave Zanzibar for Reykjavik?"


async def _dump(tx: Tx) -> str:
    """Every row of every table as text, with bytes in hexadecimal digits, as pg_dump writes them."""
    names = await tx.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"))
    rows: list[str] = []
    for name in names.scalars().all():
        listed = await tx.execute(text(f'SELECT CAST(t.* AS text) AS line FROM "{name}" t'))
        rows += [str(line) for line in listed.scalars()]
    return "\n".join(rows)


async def test_a_dump_holds_no_plaintext(table: Table) -> None:
    first = await table.ask(question=QUESTION)
    await table.write(first)
    await table.asking.follow_up(table.reader, await table.reading_of(first), "And Timbuktu?")
    async with table.uow.read() as tx:
        dump = await _dump(tx)
    assert str(first) in dump, "it is the dump of this database"
    assert "three" in dump
    for secret in (QUESTION, "Zanzibar", "Timbuktu", TEXT, "Hermit asks"):
        for spelling in (secret, secret.encode().hex(), secret.encode("utf-16-le").hex()):
            assert spelling not in dump
