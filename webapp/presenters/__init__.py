"""From what the services answer to what the templates take: pure functions, no I/O."""
