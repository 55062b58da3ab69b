"""The SQL that moves money and reads balances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, DateTime, SmallInteger, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.wallet.models import LedgerAccount, LedgerLeg, LedgerTransfer
from backend.wallet.types import (
    WALLET,
    AccountId,
    AccountRef,
    NewTransfer,
    PostedTransfer,
    ShopBalance,
    TransferId,
    TransferKind,
)

_TYPES: Final[dict[str, Any]] = {
    "id": Uuid(), "kind": Text(), "key": Text(), "reference": Text(), "memo": JSONB(), "now": DateTime(timezone=True),
    "asset": Text(), "amount": BigInteger(), "delta": BigInteger(),
    "user_id": Uuid(), "user_account": Text(), "user_side": SmallInteger(),
    "house": Text(), "house_side": SmallInteger(),
    "debit_user": Uuid(), "debit_account": Text(), "credit_user": Uuid(), "credit_account": Text(),
}  # fmt: skip


def _statement(sql: str, *names: str) -> HotStatement:
    return HotStatement(text(sql).bindparams(*(bindparam(name, type_=_TYPES[name]) for name in names)))


_COMMON = ("id", "kind", "key", "reference", "memo", "now", "asset")

# A person's row is locked first and judged by what the lock brought; only then is the transfer written. So a refusal
# and a replay leave nothing behind, and a key in use makes the second writer wait at that row, not half-way.
_POST_ONE_USER = _statement(
    """
WITH account AS (
  SELECT id, balance FROM ledger_accounts
  WHERE user_id = :user_id AND name = :user_account AND asset = :asset
  FOR NO KEY UPDATE
), house AS (
  SELECT id FROM ledger_accounts WHERE user_id IS NULL AND name = :house AND asset = :asset
), posted AS (
  INSERT INTO ledger_transfers (id, kind, idempotency_key, reference, memo, at)
  SELECT :id, :kind, :key, :reference, :memo, :now
  FROM account, house WHERE account.balance + :delta >= 0
  ON CONFLICT (idempotency_key) DO NOTHING
  RETURNING id
), moved AS (
  UPDATE ledger_accounts AS a
  SET balance = a.balance + :delta, seq = a.seq + 1, last_at = greatest(a.last_at, :now)
  FROM posted WHERE a.id = (SELECT id FROM account)
  RETURNING a.id, a.balance, a.seq, a.last_at
), legs AS (
  INSERT INTO ledger_legs (transfer_id, ordinal, account_id, asset, amount, seq, balance_after, at)
  SELECT :id, :user_side, moved.id, :asset, :delta, moved.seq, moved.balance, moved.last_at FROM moved
  UNION ALL
  SELECT :id, :house_side, house.id, :asset, -:delta, NULL, NULL, moved.last_at FROM moved, house
), waiting AS (
  INSERT INTO ledger_waiting (transfer_id, ordinal, account_id, amount)
  SELECT :id, :house_side, house.id, -:delta FROM moved, house
)
SELECT count(*) FROM moved""",
    *_COMMON, "delta", "user_id", "user_account", "house", "user_side", "house_side",
)  # fmt: skip

_POST_TWO_USERS = _statement(
    """
WITH locked AS (
  SELECT id, balance, user_id = :debit_user AND name = :debit_account AS pays FROM ledger_accounts
  WHERE asset = :asset AND (
    (user_id = :debit_user AND name = :debit_account) OR (user_id = :credit_user AND name = :credit_account))
  ORDER BY id FOR NO KEY UPDATE
), posted AS (
  INSERT INTO ledger_transfers (id, kind, idempotency_key, reference, memo, at)
  SELECT :id, :kind, :key, :reference, :memo, :now
  FROM locked AS payer, locked AS payee
  WHERE payer.pays AND NOT payee.pays AND payer.balance >= :amount
  ON CONFLICT (idempotency_key) DO NOTHING
  RETURNING id
), moved AS (
  UPDATE ledger_accounts AS a
  SET balance = a.balance + CASE WHEN locked.pays THEN -:amount ELSE :amount END,
      seq = a.seq + 1, last_at = greatest(a.last_at, :now)
  FROM posted, locked WHERE a.id = locked.id
  RETURNING a.id, locked.pays, a.balance, a.seq, a.last_at
), legs AS (
  INSERT INTO ledger_legs (transfer_id, ordinal, account_id, asset, amount, seq, balance_after, at)
  SELECT :id, CASE WHEN pays THEN 0 ELSE 1 END, id, :asset, CASE WHEN pays THEN -:amount ELSE :amount END,
         seq, balance, last_at
  FROM moved
)
SELECT count(*) FROM moved""",
    *_COMMON, "amount", "debit_user", "debit_account", "credit_user", "credit_account",
)  # fmt: skip

_POST_SHOP = _statement(
    """
WITH side AS (
  SELECT id, CASE WHEN name = :debit_account THEN 0 ELSE 1 END AS ordinal,
         CASE WHEN name = :debit_account THEN -:amount ELSE :amount END AS delta
  FROM ledger_accounts
  WHERE user_id IS NULL AND asset = :asset AND name IN (:debit_account, :credit_account)
), posted AS (
  INSERT INTO ledger_transfers (id, kind, idempotency_key, reference, memo, at)
  SELECT :id, :kind, :key, :reference, :memo, :now
  WHERE (SELECT count(*) FROM side) = 2
  ON CONFLICT (idempotency_key) DO NOTHING
  RETURNING id
), legs AS (
  INSERT INTO ledger_legs (transfer_id, ordinal, account_id, asset, amount, at)
  SELECT :id, side.ordinal, side.id, :asset, side.delta, :now FROM posted, side
), waiting AS (
  INSERT INTO ledger_waiting (transfer_id, ordinal, account_id, amount)
  SELECT :id, side.ordinal, side.id, side.delta FROM posted, side
)
SELECT count(*) FROM posted""",
    *_COMMON, "amount", "debit_account", "credit_account",
)  # fmt: skip


async def add_transfer(tx: Tx, transfer: NewTransfer, transfer_id: TransferId) -> bool:
    """Write the transfer, its legs and the new balances in one statement.

    False, and nothing written, when an account is missing, the balance is too small, or the key was used.
    """
    amount, asset = transfer.amount.amount, transfer.amount.currency
    debit, credit = transfer.debit, transfer.credit
    values = {
        "id": transfer_id,
        "kind": transfer.kind.value,
        "key": transfer.idempotency_key,
        "reference": transfer.reference,
        "memo": msgspec.to_builtins(transfer.memo),
        "now": tx.now,
        "asset": asset,
    }
    if (debit.user_id is None) != (credit.user_id is None):
        out = debit.user_id is not None
        user, shop_account = (debit, credit) if out else (credit, debit)
        statement = _POST_ONE_USER
        values |= {"user_id": user.user_id, "user_account": user.name, "house": shop_account.name}
        values |= {"delta": -amount if out else amount, "user_side": 0 if out else 1, "house_side": 1 if out else 0}
    else:
        values |= {"amount": amount, "debit_account": debit.name, "credit_account": credit.name}
        statement = _POST_SHOP
        if debit.user_id is not None:
            statement = _POST_TWO_USERS
            values |= {"debit_user": debit.user_id, "credit_user": credit.user_id}
    return bool((await tx.fetch(statement, values))[0][0])


_FIND_POSTED = (
    select(
        LedgerTransfer.id, LedgerTransfer.kind, LedgerLeg.amount, LedgerLeg.asset,
        LedgerAccount.user_id, LedgerAccount.name,
    )
    .join(LedgerLeg, LedgerLeg.transfer_id == LedgerTransfer.id)
    .join(LedgerAccount, LedgerAccount.id == LedgerLeg.account_id)
    .where(LedgerTransfer.idempotency_key == bindparam("key"))
    .order_by(LedgerLeg.ordinal)
)  # fmt: skip


async def find_posted(tx: Tx, idempotency_key: str) -> PostedTransfer | None:
    """The transfer that was made under ``idempotency_key``."""
    rows = (await tx.execute(_FIND_POSTED, {"key": idempotency_key})).all()
    if not rows:
        return None
    debit, credit = rows[0], rows[1]
    return PostedTransfer(
        id=TransferId(debit.id),
        kind=TransferKind(debit.kind),
        debit=AccountRef(debit.user_id, debit.name),
        credit=AccountRef(credit.user_id, credit.name),
        amount=Money(credit.amount, credit.asset),
    )


_OPEN = insert(LedgerAccount).on_conflict_do_nothing()


async def open_accounts(tx: Tx, refs: Iterable[AccountRef], asset: str) -> None:
    """Make the accounts that do not exist yet, in a fixed order."""
    rows = [
        {
            "id": tx.new_id(),
            "user_id": ref.user_id,
            "name": ref.name,
            "asset": asset,
            "balance": None if ref.user_id is None else 0,
            "seq": None if ref.user_id is None else 0,
            "created_at": tx.now,
        }
        for ref in sorted(refs, key=lambda ref: (str(ref.user_id), ref.name))
    ]
    await tx.execute(_OPEN.values(rows))


_BALANCES = select(LedgerAccount.asset, LedgerAccount.balance).where(
    LedgerAccount.user_id == bindparam("user_id"),
    LedgerAccount.name == bindparam("name"),
    LedgerAccount.asset.in_(bindparam("assets", expanding=True)),
)


async def list_balances(tx: Tx, ref: AccountRef, assets: Iterable[str]) -> dict[str, int]:
    """What a person's account holds in each of ``assets``, in minor units; zero where it is not opened."""
    listed = list(assets)
    rows = await tx.execute(_BALANCES, {"user_id": ref.user_id, "name": ref.name, "assets": listed})
    return dict.fromkeys(listed, 0) | {row.asset: row.balance for row in rows}


async def list_people(tx: Tx, user_ids: Sequence[UserId], asset: str) -> dict[UserId, Money]:
    """The wallet balance of each of these people; those without a wallet are left out."""
    if not user_ids:
        return {}
    statement = select(LedgerAccount.user_id, LedgerAccount.balance).where(
        LedgerAccount.user_id.in_(user_ids), LedgerAccount.name == WALLET, LedgerAccount.asset == asset
    )
    return {row.user_id: Money(row.balance, asset) for row in await tx.execute(statement)}


_ROLL_UP = text("""
WITH claimed AS (
  DELETE FROM ledger_waiting WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ledger_waiting LIMIT :most FOR UPDATE SKIP LOCKED))
  RETURNING account_id, amount
), summed AS (
  SELECT account_id, CAST(sum(amount) AS bigint) AS amount, count(*) AS legs
  FROM claimed GROUP BY account_id ORDER BY account_id
), counted AS (
  INSERT INTO ledger_rollups AS r (account_id, balance, legs, rolled_at)
  SELECT account_id, amount, legs, :now FROM summed
  ON CONFLICT (account_id) DO UPDATE
  SET balance = r.balance + excluded.balance, legs = r.legs + excluded.legs, rolled_at = excluded.rolled_at
)
SELECT count(*) FROM claimed""").bindparams(
    bindparam("most", type_=BigInteger()), bindparam("now", type_=DateTime(timezone=True))
)


async def roll_up(tx: Tx, most: int) -> int:
    """Count at most ``most`` waiting legs into the rollups; returns how many there were."""
    return int((await tx.execute(_ROLL_UP, {"most": most, "now": tx.now})).scalar_one())


_SHOP = text("""
SELECT a.id, a.name, a.asset,
       CAST(coalesce(r.balance, 0) + coalesce((SELECT sum(w.amount) FROM ledger_waiting w WHERE w.account_id = a.id), 0)
            AS bigint) AS balance
FROM ledger_accounts a LEFT JOIN ledger_rollups r ON r.account_id = a.id
WHERE a.user_id IS NULL ORDER BY a.asset, a.name""")


async def list_shop_balances(tx: Tx) -> list[ShopBalance]:
    """The balance of each shop account now: what is rolled up plus pending legs."""
    rows = await tx.execute(_SHOP)
    return [ShopBalance(AccountId(row.id), row.name, Money(row.balance, row.asset)) for row in rows]
