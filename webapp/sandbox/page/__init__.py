"""The page at the bank's own root, for playing its events by hand."""
