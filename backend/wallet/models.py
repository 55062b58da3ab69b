"""The tables of the ledger. Transfers and legs are append-only, held by triggers of the migration."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class LedgerAccount(Model):
    """An account in one asset: a person's, with a balance, or the shop's, whose balance is the sum of its legs.

    ``seq`` counts a person's legs and numbers them; ``last_at`` is the time of the last one. A trigger keeps what an
    account is from being changed, and accounts from being deleted.
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="not_negative"),
        CheckConstraint(
            "(user_id IS NULL) = (balance IS NULL) AND (user_id IS NULL) = (seq IS NULL)", name="people_have_balances"
        ),
        Index("uq_ledger_accounts_user", "user_id", "name", "asset", unique=True,
              postgresql_where=text("user_id IS NOT NULL")),
        Index("uq_ledger_accounts_house", "name", "asset", unique=True, postgresql_where=text("user_id IS NULL")),
        # Room on the page, so that a new balance does not touch the indexes (a HOT update).
        {"postgresql_with": {"fillfactor": 70}},
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    asset: Mapped[str]
    balance: Mapped[int | None]
    seq: Mapped[int | None]
    last_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class LedgerTransfer(Model):
    """One movement of money; its legs sum to zero in each asset (a deferred trigger)."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (CheckConstraint("length(idempotency_key) BETWEEN 1 AND 200", name="key_length"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str | None]
    memo: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class LedgerLeg(Model):
    """What a transfer did to one account, in minor units: negative on the debit side.

    A person's leg carries its number in the account and the balance after it. ``account_id`` has no foreign key: its
    check would lock the shop's one revenue row for every sale. The trigger that balances a transfer checks it, and
    accounts are never deleted.
    """

    __tablename__ = "ledger_legs"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="moves_something"),
        CheckConstraint("ordinal >= 0", name="ordinal_counts"),
        CheckConstraint("(seq IS NULL) = (balance_after IS NULL)", name="people_have_balances"),
        Index("uq_ledger_legs_history", "account_id", "at", "seq", unique=True,
              postgresql_where=text("seq IS NOT NULL")),
    )  # fmt: skip

    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transfers.id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    account_id: Mapped[UUID]
    asset: Mapped[str]
    amount: Mapped[int]
    seq: Mapped[int | None]
    balance_after: Mapped[int | None]
    at: Mapped[datetime]


class LedgerWaiting(Model):
    """A leg of a shop account that is not rolled up yet; the statement that rolls it up deletes the row.

    A queue of rows, and not a checkpoint such as "the last id seen", because neither ids nor transaction numbers
    commit in order, and transaction numbers do not survive a restore.
    """

    __tablename__ = "ledger_waiting"

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    account_id: Mapped[UUID]
    amount: Mapped[int]


class LedgerRollup(Model):
    """The sum of a shop account's legs that are rolled up, and how many they are."""

    __tablename__ = "ledger_rollups"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    balance: Mapped[int]
    legs: Mapped[int]
    rolled_at: Mapped[datetime]


class WalletHold(Model):
    """Money on hold for a purpose, such as an order; captured or released, once. In minor units of ``currency``."""

    __tablename__ = "wallet_holds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("status IN ('held', 'captured', 'released')", name="status_known"),
        Index("ix_wallet_holds_open", "user_id", postgresql_where=text("status = 'held'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    currency: Mapped[str]
    amount: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class WalletAdjustment(Model):
    """An admin's credit or debit, in minor units of ``currency``; negative for a debit.

    A check in the database holds that the admin who asked never approves.
    """

    __tablename__ = "wallet_adjustments"
    __table_args__ = (
        UniqueConstraint("asked_by", "idempotency_key"),
        CheckConstraint("amount <> 0", name="moves_something"),
        CheckConstraint("length(reason) > 0", name="reason_given"),
        CheckConstraint("status IN ('applied', 'refused', 'waiting')", name="status_known"),
        CheckConstraint("status <> 'applied' OR decided_by IS DISTINCT FROM asked_by", name="two_people"),
        CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name="decided_or_waiting"),
        Index("ix_wallet_adjustments_waiting", "id", postgresql_where=text("status = 'waiting'")),
        Index("ix_wallet_adjustments_user_id", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    reason: Mapped[str]
    status: Mapped[str]
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    refusal: Mapped[str]
    idempotency_key: Mapped[str]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
