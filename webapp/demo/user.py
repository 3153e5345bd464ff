"""The login of the demo, shown on the terminal. Light: the supervisor reads it."""

DEMO_EMAIL = "demo@example.com"
DEMO_PASSWORD = "try-smartbudget"  # noqa: S105 - meant to be seen
