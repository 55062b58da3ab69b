"""The ``souk`` command, one file for each group of its words."""
