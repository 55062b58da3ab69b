"""The table of what is asked at the purchase of a product."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model


class ProductQuestionsRow(Model):
    """All questions of a product, in their order, as one document: they are edited and read together."""

    __tablename__ = "product_questions"
    __table_args__ = (CheckConstraint("jsonb_typeof(questions) = 'array'", name="questions_listed"),)

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), primary_key=True)
    version: Mapped[int]
    """Grows with each change: who saves an older one is told."""
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    changed_at: Mapped[datetime]
