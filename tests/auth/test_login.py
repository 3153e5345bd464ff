def test_signed_in(alice_client):
    assert alice_client.get("/login").status_code == 303
