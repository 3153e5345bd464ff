"""Mail: how it is sent, and what it says."""
