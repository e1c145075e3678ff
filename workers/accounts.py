"""The accounts of an installation as people are told of them, and what is asked before one is added."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from campaigns.campaign import CampaignState
from campaigns.sentence import told
from dialer.accounts import Account, read_accounts
from dialer.errors import AccountRefused, NotDone, ProviderError
from dialer.settings import Settings, SettingsError
from dialer.settling.lookups import NoSlot
from dialer.store.account import read_stop
from workers.doctor.provider import ask_about_credentials
from workers.wiring import Wiring


class NotAnAccount(NotDone):
    """The provider does not take an account's key and token, or could not be asked."""


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account and how it stands; the names are those of `dialer account list --json`."""

    account: str
    sid: str
    caller_id: str
    limit: str
    running: int
    stands: str


def line_of(wiring: Wiring) -> AccountLine:
    """Tell how an account stands."""
    settings = wiring.settings
    hold, stop = wiring.holds.read(), read_stop(wiring.db)
    return AccountLine(
        wiring.name,
        settings.exotel_account_sid,
        settings.exotel_caller_id,
        told(
            "{requests} in {seconds:g} s",
            requests=settings.exotel_rate_limit,
            seconds=settings.exotel_rate_window_s,
        ),
        sum(one.state is CampaignState.RUNNING for one in wiring.campaigns.unarchived()),
        (hold and hold.why) or (stop and stop.why) or told("dials"),
    )


def not_served_yet(settings: Settings, served: Iterable[str]) -> Iterator[str]:
    """Name the accounts that stand in the file, and that this process began without."""
    try:
        accounts = read_accounts(settings)
    except SettingsError:  # somebody is at it by hand; whoever starts next is told
        return
    served = set(served)
    yield from (one.name for one in accounts if one.name not in served)


def require_accepted(account: Account, home: Wiring) -> None:
    """Ask the provider whether it takes an account's key and token; that counts against its limit.

    Raises:
        NotAnAccount: It does not, or does not answer.
    """
    wiring = Wiring(account.settings, home.sleep, home=home, name=account.name)
    try:
        ask_about_credentials(wiring)
    except AccountRefused as error:
        raise NotAnAccount(
            told(
                "the provider does not take this Sid with this key and token, so nothing was "
                "kept: {why}",
                why=str(error),
            )
        ) from None
    except (NoSlot, ProviderError) as error:
        raise NotAnAccount(
            told("the provider could not be asked, so nothing was kept: {why}", why=str(error))
        ) from None
    finally:
        wiring.provider.close()
