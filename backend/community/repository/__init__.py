"""SQL of groups and their people."""
