"""Views of what is submitted."""
