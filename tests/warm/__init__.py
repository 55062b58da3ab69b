"""The shop's processes and the tests' own, from parents that have imported them already: decision 0061."""
