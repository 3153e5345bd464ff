"""What `make run` starts: PostgreSQL, a simulated bank, web server, worker."""
