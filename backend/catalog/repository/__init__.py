"""All SQL of the catalogue, by what it is about."""
