"""What other slices and the school's own use cases do inside their transaction."""
