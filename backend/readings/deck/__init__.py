"""The deck of 78 cards and the five spreads that every shop has, in English, Arabic and Russian."""
