"""Settings: where they come from, and that a wrong one is named and stops the start."""

import base64
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import PLAID_COUNTRIES, Config, SettingsError, load

ROOT = Path(__file__).resolve().parent.parent
KEY = base64.b64encode(b"k" * 32).decode()
DEMO = {"DATABASE_URL": "postgresql://app@localhost/smartbudget"}
LIVE = {
    **DEMO,
    "APP_MODE": "live",
    "PUBLIC_URL": "https://money.example.com",
    "SECRET_KEY": "s" * 48,
    "DATA_KEYS": f"k1:{KEY}",
    "PLAID_CLIENT_ID": "client",
    "PLAID_SECRET": "hush",
}


def refusal(values: dict[str, str], root: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load(values, root)
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "PUBLIC_URL",
        "DATABASE_URL",
        "SECRET_KEY",
        "DATA_KEYS",
        "PLAID_CLIENT_ID",
        "PLAID_SECRET",
    ],
)
def test_missing_setting_is_named_in_live_mode(name: str, tmp_path: Path) -> None:
    values = {key: value for key, value in LIVE.items() if key != name}
    assert refusal(values, tmp_path) == f"Settings: {name} is missing"
    assert not (tmp_path / "var").exists()


def test_every_missing_setting_is_named_at_once(tmp_path: Path) -> None:
    text = refusal({"APP_MODE": "live"}, tmp_path)
    for name in ("DATABASE_URL", "SECRET_KEY", "DATA_KEYS", "PLAID_CLIENT_ID"):
        assert f"{name} is missing" in text


MALFORMED = [
    ("APP_MODE", "production"),
    ("PUBLIC_URL", "money.example.com"),
    ("PUBLIC_URL", "ftp://money.example.com"),
    ("PUBLIC_URL", "http://money.example.com"),  # not https, not this machine
    ("PUBLIC_URL", "https://money.example.com:port"),
    ("REGISTRATION", "maybe"),
    ("LOG_FORMAT", "xml"),
    ("TRUSTED_PROXY_HOPS", "-1"),
    ("TRUSTED_PROXY_HOPS", "one"),
    ("DATABASE_URL", "mysql://app@localhost/smartbudget"),
    ("DATABASE_URL", "postgresql://"),
    ("DATABASE_URL", "postgresql+psycopg://app@localhost/smartbudget"),
    ("DATABASE_URL", "postgresql://app@localhost:port/smartbudget"),
    ("DATABASE_OWNER_URL", "localhost"),
    ("DATABASE_POOL_SIZE", "0"),
    ("DATABASE_POOL_SIZE", "many"),
    ("DATABASE_MAX_OVERFLOW", "-1"),
    ("DATABASE_POOL_RECYCLE", "1"),
    ("SECRET_KEY", "short"),
    ("DATA_KEYS", KEY),
    ("DATA_KEYS", f"k1:{KEY},k1:{KEY}"),
    ("DATA_KEYS", "k1:" + base64.b64encode(b"k" * 31).decode()),
    ("DATA_KEYS", "k1:not base64"),
    ("DATA_KEYS", f"{'k' * 17}:{KEY}"),
    ("DATA_KEYS", ","),
    ("SESSION_IDLE_MINUTES", "0"),
    ("SESSION_IDLE_MINUTES", "99999999999"),
    ("SESSION_ABSOLUTE_HOURS", "soon"),
    ("PLAID_ENV", "development"),
    ("PLAID_HOST", "sandbox.plaid.com"),
    ("PLAID_HOST", "http://plaid.example.com"),
    ("PLAID_LINK_SCRIPT_URL", "/link.js"),
    ("PLAID_LINK_SCRIPT_URL", "http://cdn.example.com/link.js"),
    ("PLAID_WEBHOOK_URL", "https://money.example.com/hook?key=1"),
    ("PLAID_WEBHOOK_URL", "money.example.com/hook"),
    ("PLAID_WEBHOOK_URL", "ftp://money.example.com/hook"),
    ("PLAID_REDIRECT_URI", "javascript://money.example.com/"),
    ("PLAID_COUNTRY_CODES", "XX"),
    ("PLAID_COUNTRY_CODES", "USA"),
    ("PLAID_COUNTRY_CODES", "us"),
    ("PLAID_COUNTRY_CODES", ","),
    ("DATABASE_DIRECT_URL", "mysql://app@db/money"),
    ("LEASE_SECONDS", "1"),
    ("PLAID_REFRESH", "perhaps"),
    ("PLAID_RATE_LIMITS", "none"),
    ("MAIL_BACKEND", "pigeon"),
    ("MAIL_BACKEND", "smtp"),  # and no server
    ("MAIL_PORT", "0"),
    ("MAIL_SECURITY", "ssl"),
    ("MAIL_FROM", "SmartBudget <me@example.com>"),
    ("MAIL_FROM", "nobody"),
]


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_malformed_setting_is_named(name: str, value: str, tmp_path: Path) -> None:
    text = refusal(LIVE | {name: value}, tmp_path)
    assert text.startswith(f"Settings: {name} ")
    assert "; " not in text.removesuffix(";")


NEEDED_TEXT = {"PLAID_CLIENT_ID", "PLAID_SECRET"}
FREE_TEXT = NEEDED_TEXT | {
    "PLAID_PUBLIC_KEY", "MAIL_SERVER", "MAIL_USERNAME", "MAIL_PASSWORD",
}  # fmt: skip


def test_every_setting_has_a_malformed_case() -> None:
    assert {name for name, _ in MALFORMED} == set(Config.model_fields) - FREE_TEXT


@pytest.mark.parametrize("name", sorted(NEEDED_TEXT))
def test_empty_setting_is_as_good_as_missing(name: str, tmp_path: Path) -> None:
    assert name in refusal(LIVE | {name: ""}, tmp_path)


@pytest.mark.parametrize("name", ["SECRET_KEY", "PLAID_SECRET", "DATA_KEYS"])
def test_refusal_never_shows_the_value(name: str, tmp_path: Path) -> None:
    text = refusal(LIVE | {name: "h0sh" * 5, "LOG_FORMAT": "xml"}, tmp_path)
    assert "h0sh" not in text
    assert LIVE["SECRET_KEY"] not in text


def test_a_mail_password_is_never_sent_in_the_clear(tmp_path: Path) -> None:
    mail = {
        "MAIL_BACKEND": "smtp", "MAIL_SERVER": "mail.example.com",
        "MAIL_USERNAME": "me", "MAIL_PASSWORD": "hush",
    }  # fmt: skip
    assert load(LIVE | mail, tmp_path).MAIL_SECURITY == "starttls"
    open_line = mail | {"MAIL_SECURITY": "none"}
    text = refusal(LIVE | open_line, tmp_path)
    assert text == "Settings: MAIL_SECURITY must not be none with a password"
    here = open_line | {"MAIL_SERVER": "127.0.0.1"}
    assert load(LIVE | here, tmp_path).MAIL_SERVER == "127.0.0.1"


@pytest.mark.parametrize("secret", [KEY, "k" * 32])
def test_data_keys_must_not_reuse_the_secret_key(secret: str, tmp_path: Path) -> None:
    text = refusal(LIVE | {"SECRET_KEY": secret}, tmp_path)
    assert text == "Settings: DATA_KEYS must not reuse SECRET_KEY"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_common_spelling_means_psycopg2(scheme: str, tmp_path: Path) -> None:
    url = f"{scheme}://app:p%40ss@db.example.com:5433/money?sslmode=require"
    found = load(LIVE | {"DATABASE_URL": url, "DATABASE_OWNER_URL": url}, tmp_path)
    wanted = (
        "postgresql+psycopg2://app:p%40ss@db.example.com:5433/money?sslmode=require"
    )
    assert (found.DATABASE_URL, found.owner_url) == (wanted, wanted)


def test_migrations_use_the_app_s_address_without_one_of_their_own(
    tmp_path: Path,
) -> None:
    found = load(LIVE, tmp_path)
    assert found.owner_url == found.DATABASE_URL


def test_live_mode_talks_to_plaid_and_is_closed_by_default(tmp_path: Path) -> None:
    found = load(LIVE, tmp_path)
    assert found.PLAID_HOST == "https://sandbox.plaid.com"
    assert found.PLAID_LINK_SCRIPT_URL.startswith("https://cdn.plaid.com/")
    assert found.REGISTRATION == "closed"
    production = load(LIVE | {"PLAID_ENV": "production"}, tmp_path)
    assert production.PLAID_HOST == "https://production.plaid.com"
    assert not (tmp_path / "var").exists()


def test_demo_mode_needs_nothing_but_a_database(tmp_path: Path) -> None:
    found = load(DEMO, tmp_path)
    assert found.PLAID_CLIENT_ID == "sandbox"
    assert found.PLAID_LINK_SCRIPT_URL.startswith(found.PLAID_HOST)
    assert found.REGISTRATION == "open"


@pytest.mark.parametrize(
    ("more", "address"),
    [
        ({}, "http://127.0.0.1:8000/webhooks/plaid"),
        ({"PUBLIC_URL": "http://here:9/"}, "http://here:9/webhooks/plaid"),
        ({"PLAID_WEBHOOK_URL": "http://there/hook"}, "http://there/hook"),
        ({"PLAID_HOST": "https://sandbox.plaid.com"}, None),
    ],
)
def test_demo_bank_is_told_where_to_send_webhooks(
    more: dict[str, str], address: str | None, tmp_path: Path
) -> None:
    found = load(DEMO | more, tmp_path)
    assert address == found.PLAID_WEBHOOK_URL
    assert load(LIVE, tmp_path).PLAID_WEBHOOK_URL is None


def test_first_of_several_data_keys_stays_first(tmp_path: Path) -> None:
    other = base64.b64encode(b"o" * 32).decode()
    found = load(LIVE | {"DATA_KEYS": f"k2:{other}, k1:{KEY}"}, tmp_path)
    assert list(found.DATA_KEYS.items()) == [("k2", b"o" * 32), ("k1", b"k" * 32)]


def test_secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    text = repr(load(LIVE, tmp_path))
    for name in ("SECRET_KEY", "DATA_KEYS", "PLAID_SECRET", "DATABASE_URL"):
        assert f"{name}=" not in text


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://money.example.com", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.2:8000", False),
    ],
)
def test_secure_cookies_wherever_the_browser_keeps_them(
    url: str, secure: bool, tmp_path: Path
) -> None:
    assert load(DEMO | {"PUBLIC_URL": url}, tmp_path).is_secure is secure


def test_environment_wins_over_dotenv_and_that_over_demo_env(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "var").mkdir()
    (tmp_path / "var/demo.env").write_text(
        "DATABASE_URL=postgresql://demo@localhost/demo\nPUBLIC_URL=http://demo.example\n"
        "DATABASE_POOL_SIZE=7\n"
    )
    (tmp_path / ".env").write_text(
        "PUBLIC_URL=http://file.example\nLOG_FORMAT=json\nSESSION_IDLE_MINUTES=\n"
    )
    monkeypatch.setenv("PUBLIC_URL", "http://environment.example")
    found = load(root=tmp_path)
    assert found.PUBLIC_URL == "http://environment.example"
    assert found.LOG_FORMAT == "json"
    assert found.DATABASE_POOL_SIZE == 7
    assert found.SESSION_IDLE_MINUTES == 30


def test_live_mode_takes_nothing_from_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "var").mkdir()
    (tmp_path / "var/demo.env").write_text(
        "\n".join(f"{k}={v}" for k, v in DEMO.items())
    )
    (tmp_path / ".env").write_text("APP_MODE=live\n")
    with pytest.raises(SettingsError, match="DATABASE_URL is missing"):
        load(root=tmp_path)


def test_script_comes_from_the_host_that_was_chosen(tmp_path: Path) -> None:
    """demo.env names a simulator; another PLAID_HOST brings its own script."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var/demo.env").write_text(
        "PLAID_HOST=http://127.0.0.1:8001\n"
        "PLAID_LINK_SCRIPT_URL=http://127.0.0.1:8001/link/v2/stable/link-initialize.js\n"
    )
    found = load(DEMO | {"PLAID_HOST": "http://127.0.0.1:9001"}, tmp_path)
    assert found.PLAID_LINK_SCRIPT_URL.startswith("http://127.0.0.1:9001/")


def test_demo_keys_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    first, second = load(DEMO, tmp_path), load(DEMO, tmp_path)
    assert first.SECRET_KEY == second.SECRET_KEY
    assert first.DATA_KEYS == second.DATA_KEYS
    path = tmp_path / "var/demo-keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_demo_keys_are_not_made_where_keys_are_given(tmp_path: Path) -> None:
    load(DEMO | {"SECRET_KEY": "s" * 48, "DATA_KEYS": f"k1:{KEY}"}, tmp_path)
    assert not (tmp_path / "var/demo-keys.json").exists()


ROUNDS = 40
RACE = f"""
import json, sys, time
from pathlib import Path
import config
folder, start = Path(sys.argv[1]), float(sys.argv[2])
found = []
for number in range({ROUNDS}):
    while time.time() < start + number / 100:
        pass
    found.append(config._demo_keys(folder / str(number) / "demo-keys.json"))
print(json.dumps(found))
"""


def test_processes_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    """Round after round at the same instant: one of them is first, and counts."""
    start = str(time.time() + 1.2)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path), start],
            cwd=ROOT, stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    first, second = (json.loads(one.communicate(timeout=60)[0]) for one in racers)
    assert first == second
    for number, keys in enumerate(first):
        [path] = (tmp_path / str(number)).iterdir()
        assert json.loads(path.read_text()) == keys
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "wrong",
    [
        {"LOG_FORMAT": "xml", "DATA_KEYS": "k1:short"},
        {"DATABASE_URL": "postgresql://app@localhost:port/smartbudget"},
    ],
)
def test_server_does_not_start_and_says_why_in_one_line(wrong: dict[str, str]) -> None:
    environ = {k: v for k, v in os.environ.items() if k not in Config.model_fields}
    ended = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT, env=environ | LIVE | wrong, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    for name in wrong:
        assert name in ended.stderr


def test_countries_are_those_that_plaid_knows() -> None:
    from plaid.model.country_code import CountryCode

    known = set(CountryCode.allowed_values[("value",)].values())
    assert known == PLAID_COUNTRIES
