"""The reading room inside the caller's transaction."""
