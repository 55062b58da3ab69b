"""Views of the reading room, and the functions that make them."""
