"""The file of a variant, as its sellers see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

import msgspec

from backend.catalog.types.files import FileGoods, FileVariant, FileVersionView, UsedUp
from backend.catalog.words import goods_name
from backend.identity.types import Actor
from backend.kernel.ids import OrderLineId, UserId

FileError = Literal[
    "", "required", "too_large", "wrong_type", "two_kinds", "encrypted", "damaged", "too_many_pages", "too_complex"
]
CANNOT_STAMP = frozenset({"encrypted", "damaged", "too_many_pages", "too_complex"})
"""Why a PDF can't bear names; it may be sold without them."""


class VersionRow(msgspec.Struct, frozen=True):
    """A version of the file; ``by`` is empty where nobody in particular uploaded it."""

    version: int
    name: str
    size: int
    stamps: bool
    pages: int | None
    at: datetime
    by: str
    sold: int
    current: bool


class UsedUpRow(msgspec.Struct, frozen=True):
    """A sale whose downloads are used up; ``number`` is its order's, empty for who may not see orders."""

    line: str
    number: str
    downloads: int
    at: datetime


class FileVariantRow(msgspec.Struct, frozen=True):
    """A variant in the list; ``file`` is empty before one was uploaded."""

    path: str
    title: str
    file: str
    size: int
    left: int | None


class FileVariantsPage(msgspec.Struct, frozen=True):
    """catalog/admin/goods_files.html."""

    rows: tuple[FileVariantRow, ...]


def file_variants(variants: Sequence[FileVariant], actor: Actor) -> FileVariantsPage:
    """What is sold as files."""
    return FileVariantsPage(
        tuple(
            FileVariantRow(
                path_of(one.variant_id),
                goods_name(one.product_name, one.variant_name, None, actor.language),
                one.file or "",
                one.size or 0,
                one.left,
            )
            for one in variants
        )
    )


class GoodsFilePage(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/goods_file.html; ``copies`` is empty for any number, and ``seen`` is what they were when shown."""

    path: str
    title: str
    slug: str
    rows: tuple[VersionRow, ...]
    used_up: tuple[UsedUpRow, ...] = ()
    error: FileError = ""
    can_allow: bool = False
    """Whether the file is refused only because buyers' names can't be written on it."""
    copies: str = ""
    seen: str = ""
    download_limit: str = "10"
    latest_for_all: bool = True
    errors: Mapping[str, str] = {}


def goods_file_page(
    goods: FileGoods,
    actor: Actor,
    names: Mapping[UserId, str],
    used_up: Sequence[UsedUp],
    numbers: Mapping[OrderLineId, str],
    *,
    error: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> GoodsFilePage:
    """The page of a variant's file; ``typed`` is what came with a form that is wrong."""
    left = "" if goods.left is None else str(goods.left)
    fields = {"copies": left, "seen": left, "download_limit": str(goods.download_limit)}
    shown = {**fields, **{name: value for name, value in (typed or {}).items() if name in fields}}
    return GoodsFilePage(
        path=path_of(goods.variant_id),
        title=goods_name(goods.product_name, goods.variant_name, None, actor.language),
        slug=goods.product_slug,
        rows=tuple(_row(one, goods, names) for one in goods.versions),
        used_up=tuple(
            UsedUpRow(str(one.line_id), numbers.get(one.line_id, ""), one.downloads, one.taken_at) for one in used_up
        ),
        error=cast(FileError, error),
        can_allow=error in CANNOT_STAMP,
        latest_for_all=goods.latest_for_all if typed is None else "latest_for_all" in typed,
        errors=errors or {},
        **shown,
    )


def path_of(variant_id: UUID) -> str:
    """Where a variant's file is edited."""
    return f"/admin/catalogue/variants/{variant_id}/file"


def _row(one: FileVersionView, goods: FileGoods, names: Mapping[UserId, str]) -> VersionRow:
    return VersionRow(
        version=one.version,
        name=one.name,
        size=one.size,
        stamps=one.stamps,
        pages=one.pages,
        at=one.uploaded_at,
        by=names.get(one.uploaded_by, "") if one.uploaded_by else "",
        sold=one.sold,
        current=one.id == goods.current,
    )
