"""Products and categories as the back office edits them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from backend.catalog.types import CategoryId, ProductId, StockKind

CREATABLE: Final = (StockKind.UNIQUE_KEYS, StockKind.SHARED_KEY, StockKind.BY_HAND, StockKind.FILE)
"""The kinds of which an admin makes products in the catalogue's editor."""
OWN_EDITOR: Final = frozenset({StockKind.COURSE.value, StockKind.CREDITS.value})
"""Kinds whose products are edited by their own slice alone."""
LONGEST_NAME: Final = 80
LONGEST_SUMMARY: Final = 120
LONGEST_DESCRIPTION: Final = 4000
LONGEST_CATEGORY_NAME: Final = 60


class ProductState(StrEnum):
    """Whether people can see a product; each product has one of them."""

    SHOWN = "shown"
    HIDDEN = "hidden"
    SCHEDULED = "scheduled"
    """Hidden, and shown by itself at a set time."""
    ARCHIVED = "archived"


class StockState(StrEnum):
    """What a list of products is narrowed to by their stock."""

    LOW = "low"
    NONE = "none"


class ProductDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What the editor changes of a product; texts by language, English always."""

    slug: str
    category: str
    """The slug of its category."""
    country: str | None = None
    """ISO 3166-1, two letters; None for everywhere."""
    choice: str
    """A ChoiceKind's value."""
    name: dict[str, str]
    summary: dict[str, str]
    description: dict[str, str]
    icon: str
    hue: str
    tags: list[str] = []
    premium_only: bool = False
    hidden: bool = False
    publish_at: datetime | None = None
    """When it is shown by itself; it is hidden until then."""


class EditedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product as it is stored, hidden, scheduled and archived ones too."""

    id: ProductId
    kind: StockKind
    version: int
    """Grows with every change of ``draft`` and of whether it is archived."""
    draft: ProductDraft
    picture: str | None
    """The name of a stored picture."""
    archived_at: datetime | None
    listed: bool
    """Whether people find it in the shop: shown, in shown categories, and with a price."""
    variants: int

    @property
    def state(self) -> ProductState:
        """Whether people can see it."""
        return state_of(archived=self.archived_at is not None, hidden=self.draft.hidden, at=self.draft.publish_at)

    @property
    def own_editor(self) -> bool:
        """Whether its own slice edits it."""
        return self.kind.value in OWN_EDITOR


class ManagedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product in the back office's list; its name by language, its lowest price in minor units."""

    id: ProductId
    slug: str
    name: dict[str, str]
    category_name: dict[str, str]
    kind: str
    hue: str
    icon: str
    country: str | None
    picture: str | None
    hidden: bool
    publish_at: datetime | None
    archived_at: datetime | None
    listed: bool
    price_amount: int
    prices_differ: bool
    variants: int
    available: int | None
    """How many can be bought, counted up to AVAILABILITY_CAP; None for any number."""
    low: bool
    """Whether a variant that sells has as few left as its own mark says."""
    missing: int
    """How many texts it lacks in languages other than English: names and descriptions."""

    @property
    def state(self) -> ProductState:
        """Whether people can see it."""
        return state_of(archived=self.archived_at is not None, hidden=self.hidden, at=self.publish_at)


class ProductFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the back office's list shows; without a ``state`` everything but what is archived."""

    query: str = ""
    state: ProductState | None = None
    stock: StockState | None = None
    category: str = ""
    """A category's slug: with all categories below it."""


class ManagedCategory(msgspec.Struct, frozen=True, kw_only=True):
    """A category in the back office, in the order of reading."""

    id: CategoryId
    slug: str
    parent_id: CategoryId | None
    depth: int
    """1 at the top."""
    name: dict[str, str]
    icon: str
    hue: str
    hidden: bool
    products: int
    """How many products it has of its own, whatever their state."""
    children: int


class CategoryDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What the editor changes of a category; its name by language, English always."""

    slug: str
    parent: str | None = None
    """The slug of the category that it is in."""
    name: dict[str, str]
    icon: str
    hue: str
    hidden: bool = False

    @property
    def version(self) -> str:
        """A mark of what it holds, by which a form says what its reader saw."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


def state_of(*, archived: bool, hidden: bool, at: datetime | None) -> ProductState:
    """The state of a product that is published ``at`` a time, if at any."""
    if archived:
        return ProductState.ARCHIVED
    if at is not None:
        return ProductState.SCHEDULED
    return ProductState.HIDDEN if hidden else ProductState.SHOWN
