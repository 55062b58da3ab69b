"""The shop's processes from parents that have imported them already: decision 0061."""
