"""Use cases of the catalogue, grouped: the storefront, the search, imports, stock levels, and lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from backend.catalog.domain.bin import ArchivedProducts, ArchivedVariants
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
from backend.catalog.types.fulfilment import Quotes
from backend.catalog.types.waiting import Quiet
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.picture_maker import PictureMaker
from backend.infra.staged import StagedFiles
from backend.infra.stamp import Stamper
from backend.infra.storage import PrivateFiles, Storage
from backend.infra.unit_of_work import UnitOfWork

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

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        currency: str,
        fulfillers: Quotes,
        files: PrivateFiles,
        storage: Storage,
        staged: StagedFiles,
        stamper: Stamper,
        hold: Live[timedelta],
        quiet: Quiet,
        timezone: str,
    ) -> CatalogServices:
        """The services of a shop that sells in ``currency``.

        ``files`` are sold, pictures are in ``storage``, files of keys wait in ``staged``. What came back is held for
        the first in line for ``hold``, outside of the ``quiet`` hours of people who chose no other ``timezone``.
        """
        storefront = StorefrontService(uow=uow, currency=currency)
        search = SearchService(uow=uow, storefront=storefront, currency=currency)
        return cls(
            storefront=storefront,
            search=search,
            finding=FindingService(uow=uow, ring=ring),
            searches=SearchesService(uow=uow, search=search),
            imports=ImportsService(uow=uow, ring=ring, currency=currency),
            stock_imports=StockImportsService(uow=uow, ring=ring, staged=staged, currency=currency),
            categories=CategoryEditorService(uow=uow),
            files=CatalogueFilesService(uow=uow, currency=currency),
            products=ProductsService(uow=uow),
            stock_changes=StockChangesService(uow=uow, ring=ring),
            stock_export=StockExportService(uow=uow, ring=ring),
            stock=StockService(uow=uow),
            hand_work=HandWorkService(uow=uow, ring=ring, files=files),
            batches=BatchesService(uow=uow),
            goods_files=GoodsFilesService(uow=uow, ring=ring, files=files, stamper=stamper),
            pictures=PicturesService(uow=uow, storage=storage, maker=PictureMaker()),
            favourites=FavouritesService(uow=uow, currency=currency),
            waiting=WaitingService(uow=uow, fulfillers=fulfillers, hold=hold, quiet=quiet, timezone=timezone),
            variants=VariantsService(uow=uow, currency=currency),
            bin=BinService(uow=uow, sources=[ArchivedProducts(), ArchivedVariants()]),
            questions=QuestionsService(uow=uow),
        )
