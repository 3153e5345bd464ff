"""Bringing a bank's transactions here: ask, claim, fetch, apply (docs/adr/001, 002)."""
