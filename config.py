"""Every setting, typed and checked, read from the environment once.

Sources, the first wins: the process environment, the file `.env`, and in demo mode
`var/demo.env`, which `make run` writes so that `flask ...` by hand finds its database.
"""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent
PLAID_HOSTS = {
    "sandbox": "https://sandbox.plaid.com",
    "production": "https://production.plaid.com",
}
PLAID_LINK_SCRIPT = "/link/v2/stable/link-initialize.js"
PLAID_WEBHOOK = "/webhooks/plaid"
PLAID_COUNTRIES = set(
    "AT BE CA DE DK EE ES FI FR GB IE IT LT LV NL NO PL PT SE US".split()
)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class SettingsError(Exception):
    """A setting is missing or malformed; the text names each one."""


def _split(value: object) -> object:
    """'US, CA' -> ['US', 'CA']."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  read for its check: a number, and not too large
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _is_readable(database_url: str) -> bool:
    try:
        make_url(database_url)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        return False
    return True


CommaList = Annotated[list[str], BeforeValidator(_split)]


class Config(BaseModel):
    """Settings by their environment names. A default is fit for production."""

    model_config = ConfigDict(
        frozen=True, hide_input_in_errors=True, validate_default=True
    )

    APP_MODE: Literal["demo", "live"] = "demo"
    PUBLIC_URL: str
    REGISTRATION: Literal["open", "closed"] | None = None
    LOG_FORMAT: Literal["text", "json"] = "text"
    TRUSTED_PROXY_HOPS: int = Field(default=0, ge=0, le=5)

    DATABASE_URL: str = Field(repr=False)
    DATABASE_OWNER_URL: str | None = Field(default=None, repr=False)
    DATABASE_DIRECT_URL: str | None = Field(default=None, repr=False)
    DATABASE_POOL_SIZE: int = Field(default=5, ge=1, le=200)
    DATABASE_MAX_OVERFLOW: int = Field(default=10, ge=0, le=200)
    DATABASE_POOL_RECYCLE: int = Field(default=3600, ge=30)

    SECRET_KEY: str = Field(min_length=32, repr=False)
    DATA_KEYS: dict[str, bytes] = Field(repr=False)
    SESSION_IDLE_MINUTES: int = Field(default=30, ge=1, le=7 * 24 * 60)
    SESSION_ABSOLUTE_HOURS: int = Field(default=12, ge=1, le=90 * 24)

    PLAID_CLIENT_ID: str = Field(min_length=1)
    PLAID_SECRET: str = Field(min_length=1, repr=False)
    PLAID_ENV: Literal["sandbox", "production"] = "sandbox"
    PLAID_HOST: str
    PLAID_LINK_SCRIPT_URL: str
    PLAID_PUBLIC_KEY: str | None = None
    PLAID_WEBHOOK_URL: str | None = None
    PLAID_REDIRECT_URI: str | None = None
    PLAID_COUNTRY_CODES: CommaList = ["US"]
    LEASE_SECONDS: int = Field(default=60, ge=2, le=3600)
    PLAID_REFRESH: bool = False
    PLAID_RATE_LIMITS: Literal["production", "sandbox", "off"] = "production"

    MAIL_BACKEND: Literal["smtp", "log", "off"] = "off"
    MAIL_SERVER: str | None = None
    MAIL_PORT: int = Field(default=587, ge=1, le=65535)
    MAIL_SECURITY: Literal["starttls", "tls", "none"] = "starttls"
    MAIL_USERNAME: str | None = None
    MAIL_PASSWORD: str | None = Field(default=None, repr=False)
    MAIL_FROM: str = "smartbudget@localhost"

    @field_validator("MAIL_FROM")
    @classmethod
    def _mail_address(cls, address: str) -> str:
        name, at, domain = address.rpartition("@")
        if not (name and at and domain) or set(address) & set(" <>\r\n,"):
            raise ValueError("must be a bare e-mail address")
        return address

    @field_validator("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_DIRECT_URL")
    @classmethod
    def _psycopg2(cls, url: str | None) -> str | None:
        """Both common spellings mean psycopg2; SQLAlchemy 2.1 would take psycopg 3."""
        if url is None:
            return None
        scheme, separator, rest = url.partition("://")
        url = f"postgresql+psycopg2{separator}{rest}"
        known = scheme in {"postgres", "postgresql", "postgresql+psycopg2"}
        if not known or not rest or not _is_readable(url):
            raise ValueError("must look like postgresql://user:password@host/database")
        return url

    @field_validator("PUBLIC_URL", "PLAID_HOST", "PLAID_LINK_SCRIPT_URL")
    @classmethod
    def _absolute(cls, url: str) -> str:
        if not _is_web_address(url):
            raise ValueError("must be an http or https address")
        return url.rstrip("/")

    @field_validator("PLAID_WEBHOOK_URL", "PLAID_REDIRECT_URI")
    @classmethod
    def _callback(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).query or not _is_web_address(url)):
            raise ValueError("must be an http or https address without a query string")
        return url

    @field_validator("PLAID_COUNTRY_CODES")
    @classmethod
    def _countries(cls, codes: list[str]) -> list[str]:
        if not codes or not set(codes) <= PLAID_COUNTRIES:
            raise ValueError(f"must be some of {', '.join(sorted(PLAID_COUNTRIES))}")
        return codes

    @field_validator("DATA_KEYS", mode="before")
    @classmethod
    def _keys(cls, value: object) -> object:
        """'k2:BASE64,k1:BASE64' -> {id: 32 bytes}; the first one encrypts."""
        if not isinstance(value, str):
            return value
        keys: dict[str, bytes] = {}
        for part in _split(value):  # type: ignore[attr-defined]
            name, _, encoded = part.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError as error:
                raise ValueError("must be id:base64, comma separated") from error
            if len(key) != 32 or not 0 < len(name) <= 16 or name in keys:
                raise ValueError("needs ids and 32 random bytes in base64 for each")
            keys[name] = key
        if not keys:
            raise ValueError("needs at least one key")
        return keys

    @model_validator(mode="after")
    def _together(self) -> Self:
        secret = self.SECRET_KEY.encode()
        if any(
            secret in (key, base64.b64encode(key)) for key in self.DATA_KEYS.values()
        ):
            raise ValueError("DATA_KEYS must not reuse SECRET_KEY")
        if self.MAIL_BACKEND == "smtp":
            if not self.MAIL_SERVER:
                raise ValueError("MAIL_BACKEND smtp needs MAIL_SERVER")
            if (
                self.MAIL_USERNAME
                and self.MAIL_SECURITY == "none"
                and self.MAIL_SERVER not in LOOPBACK
            ):
                raise ValueError("MAIL_SECURITY must not be none with a password")
        if self.APP_MODE == "live":
            for name in ("PUBLIC_URL", "PLAID_HOST", "PLAID_LINK_SCRIPT_URL"):
                parts = urlsplit(getattr(self, name))
                if parts.scheme != "https" and parts.hostname not in LOOPBACK:
                    raise ValueError(f"{name} must be https in live mode")
        return self

    @property
    def is_secure(self) -> bool:
        """True where the browser keeps Secure cookies: https, or loopback."""
        parts = urlsplit(self.PUBLIC_URL)
        return parts.scheme == "https" or parts.hostname in LOOPBACK

    @property
    def owner_url(self) -> str:
        """The address migrations use: the owner's, or else the app's."""
        return self.DATABASE_OWNER_URL or self.DATABASE_URL


def load(environ: dict[str, str] | None = None, root: Path = ROOT) -> Config:
    """The settings of this process.

    `environ` replaces the process environment and `.env`, for tests.
    Raises SettingsError naming every missing or malformed setting.
    """
    values: dict[str, object] = {}
    if environ is None:
        from_file = {k: v for k, v in dotenv_values(root / ".env").items() if v}
        values = {**from_file, **{k: v for k, v in os.environ.items() if v}}
    else:
        values.update(environ)
    if values.get("APP_MODE", "demo") == "demo":
        values = {**_demo_defaults(root / "var", values), **values}
    else:
        values = {**_live_defaults(values), **values}
    try:
        return Config.model_validate({k: values[k] for k in _names() if k in values})
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _names() -> list[str]:
    return list(Config.model_fields)


def _live_defaults(values: dict[str, object]) -> dict[str, object]:
    env = str(values.get("PLAID_ENV", "sandbox"))
    return {
        # an unknown PLAID_ENV is refused under its own name
        "PLAID_HOST": PLAID_HOSTS.get(env, PLAID_HOSTS["sandbox"]),
        "PLAID_LINK_SCRIPT_URL": "https://cdn.plaid.com" + PLAID_LINK_SCRIPT,
        "REGISTRATION": "closed",
    }


def _demo_defaults(var: Path, values: dict[str, object]) -> dict[str, object]:
    written = {k: v for k, v in dotenv_values(var / "demo.env").items() if v}
    if "PLAID_HOST" in values:  # another bank brings its own script
        written.pop("PLAID_LINK_SCRIPT_URL", None)
    host = str(values.get("PLAID_HOST") or written.get("PLAID_HOST") or "")
    host = host or "http://127.0.0.1:8001"
    defaults: dict[str, object] = {
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "PLAID_CLIENT_ID": "sandbox",
        "PLAID_SECRET": "sandbox",
        "PLAID_HOST": host,
        "PLAID_LINK_SCRIPT_URL": host + PLAID_LINK_SCRIPT,
        "PLAID_RATE_LIMITS": "sandbox",
        "REGISTRATION": "open",
        "MAIL_BACKEND": "log",
        **written,
    }
    own = str(values.get("PUBLIC_URL") or defaults["PUBLIC_URL"])
    if _is_web_address(own) and ".plaid.com" not in host:
        # Plaid itself would refuse an address that it cannot reach
        defaults.setdefault("PLAID_WEBHOOK_URL", own.rstrip("/") + PLAID_WEBHOOK)
    if not {"SECRET_KEY", "DATA_KEYS"} <= values.keys():
        defaults |= _demo_keys(var / "demo-keys.json")
    return defaults


def _demo_keys(path: Path) -> dict[str, str]:
    """Keys of the demo, made once. Several processes may start at the same moment."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        keys = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATA_KEYS": "demo:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        # not by process id: containers that share the folder may share that, too
        draft = path.with_suffix(f".{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(keys))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first; its keys count
        finally:
            draft.unlink()
    return dict(json.loads(path.read_text()))


def _explain(error: ValidationError) -> str:
    lines = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"][:1])
        text = str(fault["msg"]).removeprefix("Value error, ")
        text = "is missing" if fault["type"] == "missing" else text
        lines.append(f"{name} {text}".strip())
    return "Settings: " + "; ".join(lines)
