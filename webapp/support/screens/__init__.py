"""Views of conversations with customers."""
