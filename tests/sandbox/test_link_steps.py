"""The walk through Link without a browser: challenges, update mode, OAuth."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from .conftest import Bank

NEW: dict[str, Any] = {
    "client_name": "SmartBudget",
    "country_codes": ["US", "GB"],
    "language": "en",
    "products": ["transactions"],
    "user": {"client_user_id": "user-1"},
}


class Steps:
    """What the frame sends, step by step."""

    def __init__(self, bank: Bank, **given: Any) -> None:
        self.bank = bank
        body = {**NEW, **given}
        if "access_token" in body:
            del body["products"]
        self.token = bank.ok("/link/token/create", **body)["link_token"]
        self.session = ""
        self.pane: dict[str, Any] = {}
        self.start()

    def start(self, uri: str | None = None) -> None:
        body = {"link_token": self.token, "received_redirect_uri": uri}
        self._take(self.bank.send("/link/workflow/start", json.dumps(body).encode()))

    def go(self, action: str, **data: Any) -> dict[str, Any]:
        body = {**data, "action": action, "link_session_id": self.session}
        return self._take(
            self.bank.send("/link/workflow/step", json.dumps(body).encode())
        )

    def _take(self, answer: tuple[int, bytes]) -> dict[str, Any]:
        body = dict(json.loads(answer[1]))
        assert answer[0] == 200, body
        self.session = body.get("link_session_id", self.session)
        self.pane = body.get("pane", self.pane)
        return body

    def sign_in(self, username: str, password: str, bank: str = "ins_109511") -> str:
        self.go("continue")
        if self.pane["pane"] == "institutions":
            self.go("select", value=bank)
        self.go("submit", username=username, password=password)
        return str(self.pane["pane"])

    def finish(self) -> dict[str, Any]:
        if self.pane["pane"] == "accounts":
            ticked = [one["value"] for one in self.pane["boxes"] if one["checked"]]
            self.go("submit", values=ticked)
        assert self.pane["pane"] == "done"
        return dict(self.go("finish")["success"])


def exchanged(bank: Bank, success: dict[str, Any]) -> str:
    answer = bank.ok(
        "/item/public_token/exchange", public_token=success["public_token"]
    )
    return str(answer["access_token"])


def test_a_code_by_device(bank: Bank) -> None:
    link = Steps(bank)
    assert link.sign_in("user_good", "mfa_device") == "device"
    link.go("submit", device="0")
    link.go("submit", code="9999")
    assert link.pane["error"]
    link.go("submit", code="1234")
    assert len(link.finish()["metadata"]["accounts"]) == 14


def test_questions_in_rounds(bank: Bank) -> None:
    link = Steps(bank)
    assert link.sign_in("user_good", "mfa_questions_2_2") == "questions"
    link.go("submit", answer_0="answer_0_0", answer_1="wrong")
    assert link.pane["error"]
    link.go("submit", answer_0="answer_0_0", answer_1="answer_0_1")
    assert link.pane["pane"] == "questions"
    link.go("submit", answer_0="answer_1_0", answer_1="answer_1_1")
    assert link.pane["pane"] == "accounts"


def test_selections(bank: Bank) -> None:
    link = Steps(bank)
    assert link.sign_in("user_good", "mfa_selections") == "selections"
    link.go("submit", answer_0="tomato", answer_1="ketchup")
    assert link.pane["pane"] == "accounts"


def test_a_custom_user_asks_questions(bank: Bank) -> None:
    mfa = {"question_rounds": 1, "questions_per_round": 2, "type": "questions"}
    link = Steps(bank)
    assert link.sign_in("user_custom", json.dumps({"mfa": mfa})) == "questions"
    link.go("submit", answer_0="answer_0_0", answer_1="answer_0_1")
    assert link.pane["pane"] == "accounts"


def test_update_mode_repairs_a_login(bank: Bank) -> None:
    token = bank.link("user_good")
    before = bank.ok("/accounts/get", access_token=token)["accounts"]
    bank.ok("/sandbox/item/reset_login", access_token=token)
    link = Steps(bank, access_token=token)
    assert "Tartan" not in link.pane["title"]
    assert link.sign_in("user_load_1", "pass_good") == "credentials"
    assert link.pane["error"]
    link.go("submit", username="user_good", password="pass_good")
    success = link.finish()
    after = bank.ok("/accounts/get", access_token=token)["accounts"]
    assert [one["account_id"] for one in before] == [one["account_id"] for one in after]
    assert exchanged(bank, success) == token


def test_a_new_account_is_chosen_in_update_mode(bank: Bank) -> None:
    bank.control("clock", now="2026-03-02T12:00:00Z")
    link = Steps(bank)
    link.sign_in("user_demo_main", "x")
    assert [one["label"] for one in link.pane["boxes"]] == [
        "Everyday Checking",
        "Rainy Day Savings",
    ]
    link.go("submit", values=[])
    assert link.pane["error"]
    link.go("submit", values=[0])
    token = exchanged(bank, link.finish())
    first = bank.sync(token)
    assert len(first["accounts"]) == 1
    item = bank.ok("/item/get", access_token=token)["item"]["item_id"]
    new = bank.control(
        f"items/{item}/accounts", name="Pot", type="depository", current=3, mask="1",
        subtype="savings",
    )  # fmt: skip
    again = Steps(bank, access_token=token, update={"account_selection_enabled": True})
    again.go("continue")
    assert [one["checked"] for one in again.pane["boxes"]] == [True, False, False]
    again.go("submit", values=[0, 1, 2])
    again.finish()
    news = bank.sync(token, first["next_cursor"])
    assert new["account_id"] in {one["account_id"] for one in news["accounts"]}
    names = {row["name"] for row in news["added"]}
    assert "INTEREST PAYMENT" in names
    assert not {row["transaction_id"] for row in news["added"]} & {
        row["transaction_id"] for row in first["added"]
    }
    fewer = Steps(bank, access_token=token, update={"account_selection_enabled": True})
    fewer.go("continue")
    fewer.go("submit", values=[1])
    fewer.finish()
    assert len(bank.ok("/accounts/get", access_token=token)["accounts"]) == 1


def test_what_was_removed_while_an_account_was_not_shared(bank: Bank) -> None:
    link = Steps(bank)
    link.sign_in("user_good", "pass_good")
    token = exchanged(bank, link.finish())
    item = bank.ok("/item/get", access_token=token)["item"]["item_id"]
    first = bank.sync(token)
    account = first["accounts"][0]["account_id"]
    held = [row for row in first["added"] if row["account_id"] == account]
    share(bank, token, lambda names: names[1:])
    gone = held[0]["transaction_id"]
    bank.control(f"items/{item}/transactions/{gone}/remove")
    between = bank.sync(token, first["next_cursor"])
    share(bank, token, lambda names: names)
    news = bank.sync(token, between["next_cursor"])
    assert [row["transaction_id"] for row in news["removed"]] == [gone]
    assert {row["transaction_id"] for row in news["added"]} == {
        row["transaction_id"] for row in held[1:]
    }


def share(bank: Bank, token: str, choice: Callable[[list[int]], list[int]]) -> None:
    """Update mode with account selection."""
    link = Steps(bank, access_token=token, update={"account_selection_enabled": True})
    link.go("continue")
    link.go("submit", values=choice([one["value"] for one in link.pane["boxes"]]))
    link.finish()


def test_account_filters(bank: Bank) -> None:
    filters = {"depository": {"account_subtypes": ["savings"]}}
    link = Steps(bank, account_filters=filters)
    link.sign_in("user_good", "pass_good")
    assert [one["label"] for one in link.pane["boxes"]] == ["Plaid Saving"]


@pytest.mark.parametrize(
    ("bank_id", "code"),
    [
        ("ins_132361", "INSTITUTION_DOWN"),
        ("ins_133402", "INSTITUTION_NO_LONGER_SUPPORTED"),
        ("ins_0", "INVALID_INSTITUTION"),
    ],
)
def test_banks_that_cannot_be_had(bank: Bank, bank_id: str, code: str) -> None:
    link = Steps(bank)
    link.go("continue")
    link.go("select", value=bank_id)
    assert link.pane["pane"] == "error"
    assert code in link.pane["hint"]
    assert link.go("exit")["exit"]["error"]["error_code"] == code


def test_a_custom_user_that_forces_an_error(bank: Bank) -> None:
    link = Steps(bank)
    password = json.dumps({"force_error": "ITEM_LOCKED"})
    assert link.sign_in("user_custom", password) == "error"


def oauth(bank: Bank, link: Steps, decision: str) -> str:
    """Sign in at the bank's page; where it sends the browser to."""
    link.go("continue")
    link.go("select", value="ins_127287")
    page = urllib.request.urlopen(bank.url + link.pane["oauth"]["url"]).read().decode()
    assert "Platypus OAuth Bank" in page
    state = link.pane["oauth"]["url"].split("=")[1]
    form = {
        "decision": decision,
        "oauth_state_id": state,
        "password": "pass_good",
        "username": "user_good",
    }

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    opener = urllib.request.build_opener(Stay)
    where = bank.url + "/link/oauth"
    if link.pane["oauth"]["popup"]:
        opener.open(where, urlencode(form).encode()).close()
        return ""
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(where, urlencode(form).encode())
    answer.value.close()
    assert answer.value.code == 303
    return str(answer.value.headers["Location"])


def test_oauth_comes_back_by_redirect(bank: Bank) -> None:
    link = Steps(bank, redirect_uri="http://127.0.0.1:8000/return")
    uri = oauth(bank, link, "allow")
    assert uri.startswith("http://127.0.0.1:8000/return?oauth_state_id=")
    link.start(uri)
    assert link.pane["pane"] == "accounts"
    token = exchanged(bank, link.finish())
    accounts = bank.ok("/accounts/get", access_token=token)["accounts"]
    assert accounts[0]["persistent_account_id"]


def test_what_has_ended_does_not_begin_again(bank: Bank) -> None:
    link = Steps(bank, redirect_uri="http://127.0.0.1:8000/return")
    uri = oauth(bank, link, "allow")
    link.start(uri)
    link.finish()
    link.start(uri)
    assert link.pane["pane"] == "error"
    for state in (uri.split("=")[1], "unknown"):
        page = bank.pool.request("GET", f"{bank.url}/link/oauth?oauth_state_id={state}")
        assert "This sign-in has ended" in page.data.decode()
    left = Steps(bank)
    left.go("exit")
    left.go("continue")
    assert left.pane["pane"] == "error"


def test_oauth_refused(bank: Bank) -> None:
    link = Steps(bank, redirect_uri="http://127.0.0.1:8000/return")
    link.start(oauth(bank, link, "refuse"))
    assert "ACCESS_NOT_GRANTED" in link.pane["hint"]


def test_oauth_in_a_window_is_polled(bank: Bank) -> None:
    link = Steps(bank)
    link.go("continue")
    link.go("select", value="ins_127287")
    assert link.go("poll")["wait"]
    again = Steps(bank)
    assert oauth(bank, again, "allow") == ""
    again.go("poll")
    assert again.pane["pane"] == "accounts"


def test_foreign_redirects_are_refused(bank: Bank) -> None:
    link = Steps(bank, redirect_uri="http://127.0.0.1:8000/return")
    other = Steps(bank, redirect_uri="http://127.0.0.1:8000/return")
    uri = oauth(bank, link, "allow")
    other.start(uri)
    assert other.pane["pane"] == "error"


def test_consent_ends_where_banks_want_it(bank: Bank) -> None:
    link = Steps(bank)
    link.go("continue")
    link.go("select", value="ins_117650")
    state = link.pane["oauth"]["url"].split("=")[1]
    form = {"decision": "allow", "username": "user_good", "password": "pass_good"}
    body = urlencode({**form, "oauth_state_id": state}).encode()
    urllib.request.urlopen(bank.url + "/link/oauth", body).read()
    link.go("poll")
    token = exchanged(bank, link.finish())
    item = bank.ok("/item/get", access_token=token)["item"]
    assert item["consent_expiration_time"]


def test_link_tokens_run_out(bank: Bank) -> None:
    bank.control("clock", now="2026-03-02T12:00:00Z")
    link = Steps(bank)
    bank.control("clock", now="2026-03-02T17:00:00Z")
    link.start()
    assert "INVALID_LINK_TOKEN" in link.pane["hint"]


def test_sessions_are_reported(bank: Bank) -> None:
    link = Steps(bank)
    link.sign_in("user_good", "pass_good")
    success = link.finish()
    found = bank.ok("/link/token/get", link_token=link.token)["link_sessions"]
    results = found[0]["results"]["item_add_results"]
    assert results[0]["public_token"] == success["public_token"]
    read = bank.client.link_token_get({"link_token": link.token})
    assert read.link_sessions[0].results.item_add_results[0].institution.name
    gone = Steps(bank)
    gone.sign_in("user_good", "error_ITEM_LOCKED")
    gone.go("exit")
    read = bank.client.link_token_get({"link_token": gone.token})
    assert read.link_sessions[0].on_exit.error.error_code == "ITEM_LOCKED"
