"""What all processes of an account must have the same, wherever they run: else its limits are nobody's.

To compare one more setting, name it in `COMPARED`. Nothing else is to be done.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import SecretStr

from dialer.pacing import Allowance
from dialer.settings import Settings
from dialer.store.layout import LAYOUT_OF_CONTACTS

COMPARED = (
    "exotel_base_url",  # as they are without these settings: by the region
    "exotel_details_base_url",
    "exotel_rate_limit",
    "exotel_rate_window_s",
    "exotel_details_share_limit",
    "exotel_max_concurrent_calls",
    "exotel_max_retries",
    "dialer_http_deadline_s",
    "dialer_quarantine_slack_s",
    "dialer_time_limit_s",
    "dialer_time_out_s",
    "dialer_max_time_limit_s",
    "dialer_max_calls_per_day",
    "dialer_max_minutes_per_day",
    "dialer_max_spend_per_day",
    "dialer_second_person_above",
    "dialer_timezone",  # of the account's day
    "dialer_callback_secret",
    "dialer_shared_phones",
)
"""Settings, by name."""

_LAYOUT = "layout of contacts"


@dataclass(frozen=True)
class Terms:
    """One process's values, as text, by what people call them.

    Args:
        allowance: Those that say how much may be sent; look-ups need no more.
    """

    values: Mapping[str, str]
    allowance: str

    @cached_property
    def as_json(self) -> str:
        """The values as they are told to other processes; no secret is among them."""
        return json.dumps(self.values, sort_keys=True)

    @cached_property
    def fingerprint(self) -> str:
        """Stands for all of them; scripts compare it."""
        return hashlib.sha256(self.as_json.encode()).hexdigest()[:16]


def terms_of(settings: Settings) -> Terms:
    """Name what must agree."""
    hosts = {
        "exotel_base_url": settings.base_url,
        "exotel_details_base_url": settings.details_base_url,
    }
    values = {name.upper(): _text(hosts.get(name) or getattr(settings, name)) for name in COMPARED}
    return Terms(values | {_LAYOUT: LAYOUT_OF_CONTACTS}, allowance_of(settings).as_text)


def allowance_of(settings: Settings) -> Allowance:
    """Tell what an account may send, and where."""
    return Allowance(
        requests=settings.exotel_rate_limit,
        window_s=settings.exotel_rate_window_s,
        http_deadline_s=settings.dialer_http_deadline_s,
        shares_lookups=settings.exotel_details_share_limit,
        asks_at=f"{settings.base_url} {settings.details_base_url}",
    )


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        secret = value.get_secret_value().encode()
        # keyed by the secret itself: only who has it can tell whether it is the same
        mark = hmac.digest(secret, b"what stands for this secret|1", "sha256").hex()[:12]
        return f"one that {mark} stands for"
    return f"{value:g}" if isinstance(value, float) else str(value)
