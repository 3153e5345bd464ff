"""Commands that are more than a door; `webapp.cli` hangs them up."""
