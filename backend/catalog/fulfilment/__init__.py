"""How the goods of the catalogue are reserved, delivered and taken back."""
