"""Caddy in front of a small upstream."""

from tests.deployment.caddy import form, make_site, names, site

__all__ = ["form", "make_site", "names", "site"]
