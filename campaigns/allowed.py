"""What the calls of an account may use: caller ids, hosts, the longest call, the most attempts.

Whoever may load a list chooses a campaign's rules. Which numbers appear on people's phones, who
hears their calls, and how long and how often they are rung is the account's owner's to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from campaigns.campaign_rules import CampaignRules
from campaigns.retry_policy import DEFAULT_RULES
from campaigns.sentence import told

_URLS = ("wait_url", "stream_url", "playback_url")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What calls may use.

    Args:
        caller_ids: As they are written in the settings; None: any.
        url_hosts: Names of hosts that may hear a call or be heard in one; None: any.
        max_time_limit_s: Longest call, s.
        max_attempts: Most charged attempts of one contact, and most retries after one outcome that a
            campaign may name of its own; those that every campaign has are fine.
    """

    caller_ids: frozenset[str] | None = None
    url_hosts: frozenset[str] | None = None
    max_time_limit_s: int = 14400
    max_attempts: int = 100

    def objections(self, rules: CampaignRules) -> Iterator[tuple[str, str]]:
        """Name each rule that asks for more than is allowed, and the setting that says so."""
        if self.caller_ids is not None and _plain(rules.caller_id) not in map(
            _plain, self.caller_ids
        ):
            yield (
                "caller_id",
                told("{what} is not allowed by DIALER_ALLOWED_CALLER_IDS", what=rules.caller_id),
            )
        for name in _URLS:
            host = _host(getattr(rules, name))
            if host is not None and self.url_hosts is not None and host not in self.url_hosts:
                named = (
                    told("the host {host}", host=host)
                    if host
                    else told("an address without a plain host")
                )
                yield name, told("{what} is not allowed by DIALER_ALLOWED_URL_HOSTS", what=named)
        if rules.time_limit_s > self.max_time_limit_s:
            yield (
                "time_limit_s",
                told(
                    "at most {most} s are allowed by DIALER_MAX_TIME_LIMIT_S",
                    most=self.max_time_limit_s,
                ),
            )
        if rules.max_attempts > self.max_attempts:
            yield (
                "max_attempts",
                told(
                    "at most {most} are allowed by DIALER_MAX_ATTEMPTS_ALLOWED",
                    most=self.max_attempts,
                ),
            )
        for rule in rules.retry:
            # outcomes that use up no attempt ring a phone all the same
            if (rule.times or 0) > self.max_attempts and rule not in DEFAULT_RULES:
                yield (
                    "retry",
                    told(
                        "{cause}: at most {most} retries are allowed by "
                        "DIALER_MAX_ATTEMPTS_ALLOWED",
                        cause=rule.cause,
                        most=self.max_attempts,
                    ),
                )


ANYTHING = Allowed()


def _plain(caller_id: str) -> str:
    return caller_id.removeprefix("+")


def _host(url: str | None) -> str | None:
    """Give a URL's host; '' where readers of URLs could differ on which it is."""
    if url is None:
        return None
    if "\\" in url or not url.isprintable() or " " in url:
        return ""
    try:
        parts = urlsplit(url)
        is_plain = parts.username is None and parts.password is None
        return (parts.hostname or "").rstrip(".") if is_plain else ""
    except ValueError:
        return ""
