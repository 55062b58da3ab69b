"""Use cases of the catalogue."""

from backend.catalog.service.catalog import CatalogService

__all__ = ["CatalogService"]
