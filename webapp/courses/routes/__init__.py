"""The pages of the school for people."""
