"""All SQL of the reading room, by what it is about."""
