"""What can go wrong at the provider; each name says what the caller does.

ProviderError
├── NumberRefused      this number, for good: the contact (or the agent) is at fault
├── AgentUnavailable   the provider knows the agent cannot be rung: later, nothing charged
├── TurnedAway         not placed, nobody's fault: safe to send again after a wait
├── RequestRefused     the campaign's settings are wrong: pause the campaign
├── AccountRefused     credentials, balance, permission, host: stop the account
├── PlacementUnknown   a phone may be ringing: quarantine, never send again
└── LookupFailed       a question about calls was not answered: nothing learnt, ask later
CallbackRejected       a callback we cannot read
NotDone                a job on a campaign's books that cannot be done as asked
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class RateFeedback:
    """What an answer's headers say of the account's allowance; Exotel seldom sends them.

    Args:
        limit: Requests in a window of the provider's.
        remaining: Requests left in the current one.
    """

    limit: int | None
    remaining: int | None


class Side(StrEnum):
    """Whose number."""

    AGENT = "agent"
    CUSTOMER = "customer"


class ProviderError(Exception):
    """A request to the provider that did not succeed.

    Args:
        message: For people; free of secrets, numbers masked.
        http_status: None when no response arrived.
        error_code: The provider's own code as text, or a word of ours such as `read_timeout`.
    """

    def __init__(
        self, message: str, *, http_status: int | None = None, error_code: str | None = None
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.error_code = error_code
        self.rate: RateFeedback | None = None  # set by the client when the answer told


class NumberRefused(ProviderError):
    """The provider will not ring this number: final for the contact, or an agent to look at.

    Args:
        side: Whose number was refused; None when the provider did not say.
        do_not_disturb: The number stands on the regulator's list: suppress it.
    """

    def __init__(
        self,
        message: str,
        *,
        side: Side | None,
        do_not_disturb: bool,
        http_status: int | None = None,
        error_code: str | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status, error_code=error_code)
        self.side = side
        self.do_not_disturb = do_not_disturb


class AgentUnavailable(ProviderError):
    """The agent's device is off or in another call; nothing was placed."""


class TurnedAway(ProviderError):
    """Surely not placed, and nobody's fault: safe to send again.

    Args:
        wait_s: How long the provider asks us to wait; None when it did not say.
        over_limit: A 429: the account's gate closes for every worker.
    """

    def __init__(
        self,
        message: str,
        *,
        wait_s: float | None = None,
        over_limit: bool = False,
        http_status: int | None = None,
        error_code: str | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status, error_code=error_code)
        self.wait_s = wait_s
        self.over_limit = over_limit


class RequestRefused(ProviderError):
    """A setting of the campaign is wrong (caller id, URL, limits): pause the campaign."""


class AccountRefused(ProviderError):
    """Credentials, balance, permission or host: stop the account until someone looks."""


class PlacementUnknown(ProviderError):
    """The request may have arrived: a phone may be ringing. Never send it again."""


class LookupFailed(ProviderError):
    """A look-up without an answer we can read: it says nothing about any call."""


class CallbackRejected(Exception):
    """A callback body that cannot be read; the message says why, without its content."""


class NotDone(Exception):
    """A job that cannot be done as asked; the message says why and what to do first."""
