"""What every dial of an account shares."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from campaigns.allowed import ANYTHING, Allowed
from campaigns.attempt import quarantine_s
from campaigns.caps import AccountCaps
from campaigns.numbers.phone_rules import PhoneRules


@dataclass(frozen=True, slots=True)
class DialingOptions:
    """What every dial of the account shares.

    Args:
        max_concurrent_calls: 0 = no cap of ours.
        max_retries: The provider's own redials of the agent.
        http_deadline_s: Total, of one request.
        slack_s: Added to the longest possible call before it is given up.
        allowed: What a campaign's rules may ask for.
        second_above: Contacts above which a second person has to start a campaign too; 0 = never.
        caps: What the account may use a day, which ends at midnight in `zone`.
        terms: Fingerprint of what all processes must have the same; see dialer/terms.py.
    """

    max_concurrent_calls: int = 0
    max_retries: int = 0
    http_deadline_s: float = 45.0
    slack_s: float = 300.0
    lookup_after_s: float = 120.0
    playback_names: str = "both"
    min_replicas: int = 0
    terms: str = ""
    phone_rules: PhoneRules = field(default_factory=PhoneRules)
    allowed: Allowed = ANYTHING
    second_above: int = 0
    caps: AccountCaps = field(default_factory=AccountCaps)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Kolkata"))

    def quarantine_s(self, *, time_out_s: int, time_limit_s: int) -> float:
        """Give the longest time, from the gate, that a call by these rules can still be live, s."""
        return quarantine_s(
            time_out_s=time_out_s,
            time_limit_s=time_limit_s,
            max_retries=self.max_retries,
            http_deadline_s=self.http_deadline_s,
            slack_s=self.slack_s,
        )
