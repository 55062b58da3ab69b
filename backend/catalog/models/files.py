"""Tables of files as goods: what a variant gives, who has bought it, and the copies that bear a name."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class FileVersion(Model):
    """A version of a variant's file, among the private files and encrypted with a data key of its own."""

    __tablename__ = "file_versions"
    __table_args__ = (
        UniqueConstraint("variant_id", "version"),
        CheckConstraint("version >= 1", name="version_positive"),
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint("NOT stamps OR pages IS NOT NULL", name="stamped_pages"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    version: Mapped[int]
    name: Mapped[str]
    size: Mapped[int]
    kind: Mapped[str]
    """Its ending: pdf, zip, png, jpg or webp."""
    pages: Mapped[int | None]
    stamps: Mapped[bool]
    """Whether each buyer gets a copy that bears their name."""
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    stored: Mapped[str]
    """The name of a private file."""
    data_key_id: Mapped[UUID]
    uploaded_by: Mapped[UUID | None]
    uploaded_at: Mapped[datetime]


class FileOffer(Model):
    """What buyers of a variant get now. How many more can be sold is the variant's row in ``variant_places``."""

    __tablename__ = "file_offers"
    __table_args__ = (CheckConstraint("download_limit BETWEEN 1 AND 1000", name="limit_in_range"),)

    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("file_versions.id"))
    download_limit: Mapped[int] = mapped_column(server_default=text("10"))
    latest_for_all: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether who bought an earlier version gets the newest too."""


class FileLine(Model):
    """What a line of an order has of a file: a reservation, or the version of its sale and its downloads."""

    __tablename__ = "file_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("state IN ('reserved', 'sold', 'revoked')", name="state_known"),
        CheckConstraint("(state = 'reserved') = (file_id IS NULL)", name="sold_with_a_version"),
        CheckConstraint("downloads BETWEEN 0 AND download_limit", name="downloads_within_limit"),
        Index("ix_file_lines_variant_id", "variant_id", "taken_at"),
        Index(
            "ix_file_lines_used_up", "variant_id",
            postgresql_where=text("state = 'sold' AND downloads >= download_limit"),
        ),
    )  # fmt: skip

    order_line_id: Mapped[UUID] = mapped_column(primary_key=True)
    variant_id: Mapped[UUID] = mapped_column(ForeignKey("variants.id"))
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("file_versions.id"))
    quantity: Mapped[int]
    state: Mapped[str]
    taken_at: Mapped[datetime]
    downloads: Mapped[int] = mapped_column(server_default=text("0"))
    download_limit: Mapped[int]


class FileCopy(Model):
    """A version with a buyer's name on it, made once and encrypted with a data key of its own."""

    __tablename__ = "file_copies"

    order_line_id: Mapped[UUID] = mapped_column(ForeignKey("file_lines.order_line_id"), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("file_versions.id"), primary_key=True)
    stored: Mapped[str]
    size: Mapped[int]
    data_key_id: Mapped[UUID]


class FileFetch(Model):
    """A download that was counted: by which device at which address. Both are hashes, and last for a day."""

    __tablename__ = "file_fetches"

    order_line_id: Mapped[UUID] = mapped_column(ForeignKey("file_lines.order_line_id"), primary_key=True)
    address: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    device: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    at: Mapped[datetime]
