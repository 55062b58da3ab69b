"""The pages of the reading room for people."""
