"""Adapters of the reading room to the outside."""
