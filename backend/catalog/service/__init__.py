"""Use cases of the catalogue, grouped: the storefront, imports, and stock levels."""

from __future__ import annotations

from dataclasses import dataclass

from backend.catalog.service.imports import ImportsService
from backend.catalog.service.stock import StockService
from backend.catalog.service.storefront import StorefrontService

__all__ = ["CatalogServices", "ImportsService", "StockService", "StorefrontService"]


@dataclass(frozen=True, kw_only=True)
class CatalogServices:
    """The services of this slice, one for each concern."""

    storefront: StorefrontService
    """Categories, lists and products as people see them."""
    imports: ImportsService
    """Files of products and of keys."""
    stock: StockService
    """Low stock, and marks kept correct."""
