"""Pure decisions about the catalogue and its files."""

from backend.catalog.rules.description import render_description

__all__ = ["render_description"]
