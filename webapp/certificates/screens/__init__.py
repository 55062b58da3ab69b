"""Views of certificates."""
