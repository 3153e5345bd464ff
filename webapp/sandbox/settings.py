"""How the bank behaves; changed by /_control/settings, kept across restarts."""

from typing import Annotated

import msgspec
from msgspec import Meta

from .store import Store

_NAME = "behaviour"
Delay = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Seconds are real seconds, whatever the bank's clock says.

    `webhook_speed` divides Plaid's retry delays of 30 s, 2 min, 8 min and so on;
    with `webhook_patience` no address is given up for refusing most of a day's;
    `grow` lets new days bring new transactions; `latency` is the least that an answer
    of the API takes.
    """

    initial_delay: Delay = 0
    historical_delay: Delay = 0
    latency: Delay = 0
    rate_limits: bool = True
    webhooks: bool = True
    webhook_speed: Positive = 1
    webhook_timeout: Positive = 10
    webhook_patience: bool = False
    grow: bool = True
    login_lasts_days: int = 30
    login_expires: bool = False


def load_settings(store: Store) -> Settings:
    text = store.setting(_NAME)
    return msgspec.json.decode(text, type=Settings) if text else Settings()


def save_settings(store: Store, settings: Settings) -> None:
    store.set_setting(_NAME, msgspec.json.encode(settings).decode())
