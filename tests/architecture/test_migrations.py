"""Every migration goes up, down and up; together they make what the models say; they bear two at once, and data."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from backend.bootstrap import build
from backend.identity.types import Permission
from backend.infra import embedded, migrations
from backend.infra.revisions import Revisions, revisions
from backend.infra.settings import Settings
from tests.factories.identity import contact
from tests.factories.shop import add_goods
from tests.factories.wallet import give, usd

SCRIPT = ScriptDirectory.from_config(migrations.alembic_config())
REVISIONS = [script.revision for script in SCRIPT.walk_revisions()][::-1]
_LEFT = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^alembic_version'"
_FUNCTIONS = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
# What a later step must leave as an earlier one made it: columns, indexes, constraints, triggers, functions.
_SHAPE = """
SELECT 'column', attrelid::regclass::text, attname,
       concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
                 (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum))
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname, '', prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3"""


@pytest.fixture(autouse=True)
def _files_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic reads the files of all revisions again for every command: a third of the time here."""
    monkeypatch.setattr(ScriptDirectory, "from_config", lambda config: SCRIPT)


@pytest.fixture
async def empty_database(postgres_server: str, worker_number: int) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"souk_migrations_{worker_number}"
    server = await asyncpg.connect(postgres_server)
    try:
        await server.execute(f"DROP DATABASE IF EXISTS {name}")
        await server.execute(f"CREATE DATABASE {name}")
        yield embedded.database_address(postgres_server, name)
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def _shape(url: str) -> list[tuple[object, ...]]:
    async with _connected(url) as connection:
        return [tuple(row) for row in await connection.fetch(_SHAPE) if "alembic_version" not in row[1]]


async def _down(url: str, revision: str) -> None:
    await asyncio.to_thread(command.downgrade, migrations.alembic_config(url), revision)


async def _run(setup: str, program: str, url: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"import sys; {setup}; {program}", url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, output.decode()[-2000:]


def test_there_is_one_line_of_revisions() -> None:
    assert SCRIPT.get_heads() == [REVISIONS[-1]]
    assert SCRIPT.get_bases() == [REVISIONS[0]]


def test_processes_read_of_the_files_what_alembic_does() -> None:
    """/readyz asks without Alembic, which costs 37 MB in every web process."""
    assert revisions() == Revisions(REVISIONS[-1], frozenset(REVISIONS))


@pytest.mark.long("every migration three times")
async def test_every_revision_goes_up_down_and_up(empty_database: str) -> None:
    before = "base"
    for revision in REVISIONS:
        await migrations.upgrade(empty_database, revision)
        shape = await _shape(empty_database)
        await _down(empty_database, before)
        await migrations.upgrade(empty_database, revision)
        assert await _shape(empty_database) == shape, revision
        before = revision
    await _down(empty_database, "base")
    async with _connected(empty_database) as connection:
        assert await connection.fetchval(_LEFT) == 0
        assert await connection.fetchval(_FUNCTIONS) == 0


@pytest.mark.long("compares the whole schema")
async def test_the_models_are_what_the_migrations_make(empty_database: str) -> None:
    await migrations.upgrade(empty_database)
    # In a process that has imported nothing else: backend.metadata must know every table by itself.
    code, output = await _run(
        "from alembic import command; from backend.infra import migrations",
        "command.check(migrations.alembic_config(sys.argv[1]))",
        empty_database,
    )
    assert code == 0, output


@pytest.mark.long("starts two processes")
async def test_two_migrators_at_once_make_one_database(empty_database: str) -> None:
    # Each in its own process, as two containers are: Alembic's own context is one for all threads.
    setup = "import asyncio; from backend.infra import migrations"
    program = "asyncio.run(migrations.upgrade(sys.argv[1]))"
    ended = await asyncio.gather(*(_run(setup, program, empty_database) for _ in range(3)))
    assert [code for code, _ in ended] == [0, 0, 0], ended
    async with _connected(empty_database) as connection:
        assert await connection.fetchval("SELECT array_agg(version_num) FROM alembic_version") == [REVISIONS[-1]]


async def _sell(settings: Settings) -> None:
    """A row in every append-only table, and money in the ledger."""
    services = build(settings)
    async with services.running(listen=False):
        await services.identity.access.ensure_root()
        buyer = await services.identity.access.authenticate(contact(4242))
        root = await services.identity.access.authenticate(contact(settings.root_admin_id))
        await services.identity.admins.set_permissions(root, buyer.id, [Permission.ORDERS])
        async with services.uow() as tx:
            goods = await add_goods(tx, services.ring)
            await give(tx, buyer.id, usd(5000))
        bought = await services.orders.checkout.place(buyer, goods.variant_id, 2, "sold-before-the-way-down")
        await services.orders.checkout.reserve(buyer, goods.variant_id, 1, "kept-before-the-way-down")
        await services.orders.delivery.reveal(buyer, bought.number, 1)
        await services.wallet.ledger.roll_up()


@pytest.mark.long("every migration, on data")
async def test_a_shop_that_has_sold_can_go_down_and_up(empty_database: str, settings: Settings) -> None:
    await migrations.upgrade(empty_database)
    await _sell(msgspec.structs.replace(settings, database_url=empty_database))
    shape = await _shape(empty_database)
    for revision in [*REVISIONS[::-1][1:], "base"]:
        await _down(empty_database, revision)
    await migrations.upgrade(empty_database)
    assert await _shape(empty_database) == shape


# Deposits and adjustments of the day: alone, by two, one that waits, one for oneself; and one of long ago.
_BEFORE_LIMITS = """
INSERT INTO users (id, telegram_id, language, created_at)
  SELECT md5(n::text)::uuid, n, 'en', now() FROM generate_series(1, 3) n;
INSERT INTO payment_intents (id, user_id, provider, currency, amount, asset, payable, status, idempotency_key, number,
                             created_at, updated_at, expires_at, leased_until) OVERRIDING SYSTEM VALUE
  SELECT md5('intent' || n)::uuid, md5('3')::uuid, 'deposit', 'USD', 500, 'USD', 500, 'pending', n::text, n,
         now(), now(), now(), now() FROM generate_series(1, 5) n;
INSERT INTO payment_confirmations (id, intent_id, user_id, received, asset, credit, currency, confirmed_by, approved_by,
                                   confirmed_at, applied_at)
  SELECT gen_random_uuid(), md5('intent' || n)::uuid, md5(whose)::uuid, 500, 'USD', 500, 'USD', md5('1')::uuid,
         md5(second)::uuid, now() - since, now() - applied
  FROM (VALUES (1, '3', NULL, interval '1 hour', interval '1 hour'), (2, '3', '2', '1 hour', '1 hour'),
               (3, '3', NULL, '1 hour', NULL), (4, '1', NULL, '1 hour', '1 hour'),
               (5, '3', NULL, '3 days', '3 days')) AS said (n, whose, second, since, applied);
INSERT INTO wallet_adjustments (id, user_id, amount, currency, reason, status, asked_by, decided_by, refusal,
                                idempotency_key, created_at, decided_at)
  SELECT gen_random_uuid(), md5(whose)::uuid, amount, 'USD', 'why', state, md5('1')::uuid, md5(second)::uuid, '', n,
         now(), CASE WHEN state <> 'waiting' THEN now() END
  FROM (VALUES ('a', '3', -70, 'applied', NULL), ('b', '3', 700, 'applied', '2'), ('c', '3', 900, 'waiting', NULL),
               ('d', '3', 900, 'refused', '2'), ('e', '1', 80, 'waiting', NULL))
       AS asked (n, whose, amount, state, second);
INSERT INTO voucher_batches (id, amount, currency, people, codes, note, created_by, idempotency_key, created_at)
  VALUES (gen_random_uuid(), 100, 'USD', 1, 4, '', md5('1')::uuid, 'v', now());
INSERT INTO notifications (id, user_id, kind, params, dedupe_key, created_at)
  VALUES (gen_random_uuid(), md5('2')::uuid, 'adjustment_asked', '{}', 'k', now());
INSERT INTO outbox_jobs (id, task, payload, created_at, run_at)
  VALUES (gen_random_uuid(), 'notifications.adjustment_asked', '{}', now(), now())"""
_COUNTED = """
SELECT kind, amount, made_at IS NOT NULL AS made, approved_by IS NOT NULL AS by_two FROM value_made
ORDER BY kind, amount, made, by_two"""


async def test_what_admins_made_and_asked_before_the_limit_counts_and_waits(empty_database: str) -> None:
    await migrations.upgrade(empty_database, "0012")
    async with _connected(empty_database) as connection:
        await connection.execute(_BEFORE_LIMITS)
        for _ in range(2):
            await migrations.upgrade(empty_database, "0013")
            deposits = [("deposit", 500, False, False), ("deposit", 500, True, False), ("deposit", 500, True, True)]
            counted = [tuple(row) for row in await connection.fetch(_COUNTED)]
            assert [row for row in counted if row[0] == "deposit"] == deposits
            assert [row for row in counted if row[0] != "deposit"] == [
                ("adjustment", 70, True, False), ("adjustment", 700, True, True), ("adjustment", 900, False, False),
                ("vouchers", 400, True, False),
            ]  # fmt: skip
            assert await connection.fetchval("SELECT count(*) FROM outbox_jobs") == 0
            await _down(empty_database, "0012")
            statement = "SELECT count(*), count(applied_at), count(approved_by) FROM payment_confirmations"
            assert tuple(await connection.fetchrow(statement) or ()) == (3, 2, 1)


# Rows of one table only: what they refer to does not matter here.
_SOLD_BEFORE_PARTS = """
SET session_replication_role = replica;
INSERT INTO order_lines (id, order_id, user_id, variant_id, kind, position, quantity, unit_amount,
                         slug, name, variant_name, hue, icon)
  SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'unique_keys', 0, quantity, amount,
         '', '{}', '{}', '', '' FROM (VALUES (1, 0), (3, 720), (1000, 1000000000000)) AS sold (quantity, amount)"""
_PARTS = """
SELECT unit_amount, base_part, reseller_part, promo_part, already_paid_part, total_amount
FROM order_lines ORDER BY quantity"""


async def test_the_price_of_what_was_sold_before_parts_were_stored_is_its_base(empty_database: str) -> None:
    before = REVISIONS[REVISIONS.index("0019") - 1]
    await migrations.upgrade(empty_database, before)
    async with _connected(empty_database) as connection:
        await connection.execute(_SOLD_BEFORE_PARTS)
        for _ in range(2):
            await migrations.upgrade(empty_database, "0019")
            assert [tuple(row) for row in await connection.fetch(_PARTS)] == [
                (0, 0, 0, 0, 0, 0), (720, 2160, 0, 0, 0, 2160), (10**12, 10**15, 0, 0, 0, 10**15),
            ]  # fmt: skip
            await _down(empty_database, before)
        await migrations.upgrade(empty_database, "0019")
        await connection.execute(
            "UPDATE order_lines SET reseller_part = -390, total_amount = 1770 WHERE unit_amount = 720"
        )
        await _down(empty_database, before)
        assert await connection.fetchval("SELECT unit_amount FROM order_lines WHERE quantity = 3") == 590


# Orders of each status; of two lines, the first of which cost a third, and partly or wholly refunded.
_SOLD_BEFORE_LINES = """
SET session_replication_role = replica;
INSERT INTO orders (id, user_id, idempotency_key, status, total_amount, refunded_amount, currency, created_at)
  SELECT md5(n::text)::uuid, gen_random_uuid(), n, state, total, refunded, 'USD', now()
  FROM (VALUES (1, 'awaiting_payment', 300, 0), (2, 'cancelled', 300, 0), (3, 'expired', 300, 0),
               (4, 'delivered', 300, 0), (5, 'delivered', 300, 100), (6, 'refunded', 300, 300),
               (7, 'delivered', 0, 0), (8, 'delivered', 3000000000000000, 1000000000000001))
       AS sold (n, state, total, refunded);
INSERT INTO order_lines (id, order_id, user_id, variant_id, kind, position, quantity, unit_amount, base_part,
                         total_amount, slug, name, variant_name, hue, icon)
  SELECT gen_random_uuid(), id, gen_random_uuid(), gen_random_uuid(), 'unique_keys', place, 1 + place, 0, share, share,
         '', '{}', '{}', '', ''
  FROM orders, LATERAL (VALUES (0, total_amount / 3), (1, total_amount - total_amount / 3)) AS line (place, share)"""
_LINE_STATUSES = """
SELECT idempotency_key::int, orders.status, array_agg(order_lines.status ORDER BY position),
       array_agg(order_lines.refunded_amount ORDER BY position),
       array_agg(order_lines.refunded_quantity ORDER BY position)
FROM orders JOIN order_lines ON order_id = orders.id GROUP BY orders.id ORDER BY 1"""


async def test_lines_that_were_sold_before_have_the_status_and_the_refunds_of_their_order(empty_database: str) -> None:
    before = REVISIONS[REVISIONS.index("0020") - 1]
    await migrations.upgrade(empty_database, before)
    async with _connected(empty_database) as connection:
        await connection.execute(_SOLD_BEFORE_LINES)
        for _ in range(2):
            await migrations.upgrade(empty_database, "0020")
            big = 1_000_000_000_000_001
            expected = [
                ("reserved", 0, 0, 0, 0), ("released", 0, 0, 0, 0), ("released", 0, 0, 0, 0), ("delivered", 0, 0, 0, 0),
                ("delivered", 33, 67, 0, 0), ("delivered", 100, 200, 1, 2), ("delivered", 0, 0, 0, 0),
                ("delivered", big // 3, big - big // 3, 0, 0),
            ]  # fmt: skip
            assert [
                (*set(statuses), *amounts, *quantities)
                for _, _, statuses, amounts, quantities in await connection.fetch(_LINE_STATUSES)
            ] == expected
            await connection.execute("UPDATE orders SET status = 'paid' WHERE idempotency_key = '4'")
            await _down(empty_database, before)
            assert await connection.fetchval("SELECT status FROM orders WHERE idempotency_key = '4'") == "delivered"


# A cart that waits for its reminder, one whose owner was reminded, an empty one.
_CARTS_WITH_A_TIMER = """
SET session_replication_role = replica;
INSERT INTO carts (user_id, version, remind_at)
  SELECT md5(n::text)::uuid, n, CASE WHEN n = 7 THEN timestamptz '2026-11-29 12:00Z' END
  FROM (VALUES (7), (8), (9)) c (n);
INSERT INTO cart_lines (id, user_id, variant_id, quantity, seen_amount, currency, added_at)
  SELECT gen_random_uuid(), md5(n::text)::uuid, gen_random_uuid(), 1, 720, 'USD', now() FROM (VALUES (7), (8)) c (n)"""
_REMINDERS = """
SELECT payload->>'version', (payload->>'remind_at')::timestamptz = timestamptz '2026-11-29 12:00Z'
FROM outbox_jobs WHERE task = 'notifications.cart_filled'"""


async def test_the_timer_s_reminders_become_messages_that_wait(empty_database: str) -> None:
    await migrations.upgrade(empty_database, "0025")
    async with _connected(empty_database) as connection:
        await connection.execute(_CARTS_WITH_A_TIMER)
        for _ in range(2):
            await migrations.upgrade(empty_database, "0026")
            filled = await connection.fetch("SELECT version, filled_version FROM carts ORDER BY version")
            assert [tuple(row) for row in filled] == [(7, 7), (8, 8), (9, None)]
            assert [tuple(row) for row in await connection.fetch(_REMINDERS)] == [("7", True)]
            await _down(empty_database, "0025")
            assert await connection.fetchval("SELECT count(*) FROM outbox_jobs") == 0
            assert await connection.fetchval("SELECT count(remind_at) FROM carts") == 1


async def test_who_could_answer_tickets_still_may(empty_database: str) -> None:
    """Until 0107 the permission for orders was that for tickets too."""
    await migrations.upgrade(empty_database, "0106")
    rows = {1: "{catalogue,orders}", 2: "{catalogue}", 3: "{stock,stock_export,orders,users}", 4: "{}"}
    async with _connected(empty_database) as connection:
        for number, held in rows.items():
            await connection.execute(
                "INSERT INTO users (id, telegram_id, language, created_at, permissions) "
                f"VALUES (gen_random_uuid(), {number}, 'en', now(), '{held}')"
            )
        await connection.execute(
            "INSERT INTO admin_roles (id, name, permissions, created_at, updated_at) "
            "VALUES (gen_random_uuid(), 'Night shift', '{orders,users}', now(), now())"
        )
    await migrations.upgrade(empty_database, "0107")
    assert await _held(empty_database) == {
        1: (["catalogue", "orders", "tickets"], 2),
        2: (["catalogue"], 1),
        3: (["orders", "stock", "stock_export", "tickets", "users"], 2),
        4: ([], 1),
    }
    async with _connected(empty_database) as connection:
        assert await connection.fetchval("SELECT permissions FROM admin_roles") == ["orders", "tickets", "users"]
    await _down(empty_database, "0106")
    assert {number: held for number, (held, _version) in (await _held(empty_database)).items()} == {
        1: ["catalogue", "orders"],
        2: ["catalogue"],
        3: ["orders", "stock", "stock_export", "users"],
        4: [],
    }


async def _held(url: str) -> dict[int, tuple[list[str], int]]:
    """Each person's permissions, and the version of their rights."""
    async with _connected(url) as connection:
        rows = await connection.fetch("SELECT telegram_id, permissions, role_version FROM users WHERE NOT is_root")
        return {row["telegram_id"]: (row["permissions"], row["role_version"]) for row in rows}
