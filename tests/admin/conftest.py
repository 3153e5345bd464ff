"""Alice and Bob in browsers that are signed in already."""

from tests.dashboard.conftest import alice, alice_client, bob, bob_client

__all__ = ["alice", "alice_client", "bob", "bob_client"]
