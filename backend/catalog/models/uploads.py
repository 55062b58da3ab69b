"""Catalogue files that wait for their admin's yes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class CatalogueUpload(Model):
    """A file that was compared with the catalogue and not applied yet; kept for a day. It holds no keys."""

    __tablename__ = "catalogue_uploads"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    file_format: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    uploaded_by: Mapped[UUID | None]
    uploaded_at: Mapped[datetime]
