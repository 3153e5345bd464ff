"""Linking, repairing and removing banks: the one path of page, API and demo."""
