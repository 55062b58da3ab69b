"""All SQL of courses."""
