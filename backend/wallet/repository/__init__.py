"""All SQL of the ledger: what moves money, what reads a history, what proves the books."""
