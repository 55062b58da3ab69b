"""Use cases of the catalogue, grouped: the storefront, the search, imports, stock levels, and lines."""

from __future__ import annotations

from dataclasses import dataclass

from backend.catalog.service.batches import BatchesService
from backend.catalog.service.bin import BinService
from backend.catalog.service.catalogue_files import CatalogueFilesService
from backend.catalog.service.category_editor import CategoryEditorService
from backend.catalog.service.favourites import FavouritesService
from backend.catalog.service.finding import FindingService
from backend.catalog.service.goods_files import GoodsFilesService
from backend.catalog.service.hand_work import HandWorkService
from backend.catalog.service.imports import ImportsService
from backend.catalog.service.pictures import PicturesService
from backend.catalog.service.products import ProductsService
from backend.catalog.service.questions import QuestionsService
from backend.catalog.service.search import SearchService
from backend.catalog.service.searches import SearchesService
from backend.catalog.service.stock import StockService
from backend.catalog.service.stock_changes import StockChangesService
from backend.catalog.service.stock_export import StockExportService
from backend.catalog.service.stock_imports import StockImportsService
from backend.catalog.service.storefront import StorefrontService
from backend.catalog.service.variants import VariantsService
from backend.catalog.service.waiting import WaitingService

__all__ = [
    "BatchesService",
    "BinService",
    "CatalogServices",
    "CatalogueFilesService",
    "CategoryEditorService",
    "FavouritesService",
    "FindingService",
    "GoodsFilesService",
    "HandWorkService",
    "ImportsService",
    "PicturesService",
    "ProductsService",
    "QuestionsService",
    "SearchService",
    "SearchesService",
    "StockChangesService",
    "StockExportService",
    "StockImportsService",
    "StockService",
    "StorefrontService",
    "VariantsService",
    "WaitingService",
]


@dataclass(frozen=True, kw_only=True)
class CatalogServices:
    """The services of this slice, one for each concern."""

    storefront: StorefrontService
    """Categories, lists and products as people see them."""
    search: SearchService
    """Finds products by what people type."""
    finding: FindingService
    """Finds goods and keys for admins."""
    searches: SearchesService
    """What people searched for and wish for."""
    imports: ImportsService
    """Files of products and of keys."""
    stock_imports: StockImportsService
    """Files of keys sent by screen: checked, then added in the background."""
    categories: CategoryEditorService
    """The tree of categories as admins edit it."""
    files: CatalogueFilesService
    """The catalogue as a file in the panel."""
    products: ProductsService
    """Products as admins edit them."""
    stock_changes: StockChangesService
    """Keys removed, moved, brought back."""
    stock_export: StockExportService
    """Keys in plain text."""
    stock: StockService
    """Low stock, and marks kept correct."""
    hand_work: HandWorkService
    """What admins prepare after it is paid."""
    batches: BatchesService
    """How good each batch of keys is; stopping a bad one."""
    goods_files: GoodsFilesService
    """Files that are sold, and their versions."""
    pictures: PicturesService
    """Pictures of products."""
    favourites: FavouritesService
    """What people like, and are told of."""
    waiting: WaitingService
    """Lines for what is sold out."""
    variants: VariantsService
    """Variants as admins edit them."""
    bin: BinService
    """What was archived: listed, brought back, purged after its time."""
    questions: QuestionsService
    """What is asked at purchases, as admins edit it."""
