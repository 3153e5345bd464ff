"""What `make` needs before the app's packages are there: the standard library only."""
