"""Plaid's endpoints; a module registers its own when it is imported."""
