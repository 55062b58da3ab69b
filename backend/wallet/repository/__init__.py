"""All SQL of the ledger: moving money, reading history, proving that the ledger is balanced."""
