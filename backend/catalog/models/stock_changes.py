"""Tables of what admins do with the stock: imports by screen, keys removed or moved."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model

_NONE = text("0")


class StockImportRow(Model):
    """An import by screen: its file, encrypted in private storage until it ends, and how far it is."""

    __tablename__ = "stock_imports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('uploading', 'checking', 'checked', 'importing', 'stopped', 'done', 'discarded')",
            name="state_known",
        ),
        CheckConstraint("unit_cost >= 0", name="cost_not_negative"),
        CheckConstraint("checkpoint <= rows", name="checkpoint_within_rows"),
        Index("ix_stock_imports_staged", "touched_at", postgresql_where=text("staged IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    variant_id: Mapped[UUID | None] = mapped_column(ForeignKey("variants.id"))
    """Of the rows that name none."""
    file_name: Mapped[str]
    written: Mapped[str]
    """A Format's value."""
    as_is: Mapped[bool] = mapped_column(server_default=text("false"))
    staged: Mapped[str | None]
    """The name of the staged file; None once it is deleted."""
    data_key_id: Mapped[UUID | None]
    """What seals the staged file and the report; no foreign key: it is destroyed with them."""
    received: Mapped[int] = mapped_column(server_default=_NONE)
    """Bytes of the file that have arrived."""
    sealed: Mapped[int] = mapped_column(server_default=_NONE)
    """Bytes of the staged file that hold them; what follows was not recorded."""
    rows: Mapped[int] = mapped_column(server_default=_NONE)
    fresh: Mapped[int] = mapped_column(server_default=_NONE)
    known: Mapped[int] = mapped_column(server_default=_NONE)
    twice: Mapped[int] = mapped_column(server_default=_NONE)
    bad: Mapped[int] = mapped_column(server_default=_NONE)
    report: Mapped[bytes | None] = mapped_column(LargeBinary)
    checkpoint: Mapped[int] = mapped_column(server_default=_NONE)
    """Rows of the file that the import has taken in."""
    added: Mapped[int] = mapped_column(server_default=_NONE)
    batch_name: Mapped[str | None]
    source: Mapped[str | None]
    unit_cost: Mapped[int | None]
    expires_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]


class StockChangeRow(Model):
    """Keys of a batch that an admin removed, or moved to another variant; each can be undone while unsold."""

    __tablename__ = "stock_changes"
    __table_args__ = (
        CheckConstraint("kind IN ('removal', 'move')", name="kind_known"),
        CheckConstraint("state IN ('running', 'done', 'undoing', 'undone')", name="state_known"),
        CheckConstraint("(kind = 'move') = (target_batch_id IS NOT NULL)", name="moved_somewhere"),
        Index("ix_stock_changes_batch_id", "batch_id"),
        Index("ix_stock_changes_target_batch_id", "target_batch_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("stock_batches.id"))
    target_batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("stock_batches.id"))
    keys: Mapped[int] = mapped_column(server_default=_NONE)
    skipped: Mapped[int] = mapped_column(server_default=_NONE)
    """Keys that the target has or had already: they stay where they were."""
    restored: Mapped[int] = mapped_column(server_default=_NONE)
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime]
