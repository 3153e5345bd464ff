"""The small job table: work that is not a sync, claimed like items."""
