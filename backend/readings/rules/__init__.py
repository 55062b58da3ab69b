"""Pure decisions of the reading room."""
