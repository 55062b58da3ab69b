"""Every provider, against a local server that speaks its documented format."""
