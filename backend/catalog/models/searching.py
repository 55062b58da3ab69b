"""Tables of the search: documents, words, and what people searched for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from backend.infra.database import Model


class SearchDocument(Model):
    """The words that a product is found by, folded by ``rules.folding``; those of its name are there twice."""

    __tablename__ = "search_documents"
    __table_args__ = (
        # No pending list: the first search after a large import must not read through it.
        Index("ix_search_documents_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), primary_key=True)
    words: Mapped[str] = mapped_column(TSVECTOR)
    fold_version: Mapped[int]
    """The FOLD_VERSION that made it; a document of another version is made again in the background."""


class SearchWord(Model):
    """A word of the catalogue: typing errors are mended to these, and its frequency chooses how a search is run.

    The counts include products that are not listed: they are estimates.
    """

    __tablename__ = "search_words"
    __table_args__ = (
        Index("ix_search_words_sound", "sound", postgresql_where=text("sound <> ''")),
        Index("ix_search_words_added", "added"),
    )

    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    products: Mapped[int]
    named: Mapped[int]
    """How many products have it in their name."""
    sound: Mapped[str]
    """Its consonants in no script (``rules.spelling.sound``); empty where they say too little."""
    added: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    """Grows with each new word, so that processes read only the words that they don't know."""


class RecentSearch(Model):
    """What a person searched for lately; ``key`` is the same for all writings of one search."""

    __tablename__ = "recent_searches"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    typed: Mapped[str]
    searched_at: Mapped[datetime]


class SearchWish(Model):
    """What a person searched for in vain and wants to be told of; they are told once, when it finds a product."""

    __tablename__ = "search_wishes"
    __table_args__ = (
        Index("ix_search_wishes_open", "key", postgresql_where=text("told_at IS NULL")),
        CheckConstraint("(told_at IS NULL) = (product_id IS NULL)", name="told_of_a_product"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    typed: Mapped[str]
    asked_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    product_id: Mapped[UUID | None] = mapped_column(ForeignKey("products.id"))
