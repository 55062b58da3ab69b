"""Pure decisions about certificates."""
