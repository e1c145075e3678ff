"""Builds store, pacing and provider from the settings; the only place that chooses.

What takes long to import is imported where it is made: a command that asks how a campaign stands
needs no client of the provider and no reader of lists.
"""

from dialer.accounts import Account, read_accounts, require_all_dialling, served_here
from dialer.settings import Settings, SettingsError
from dialer.store.cluster import is_cluster
from workers.wiring.dialing_wires import DialingWires
from workers.wiring.ground import process_name
from workers.wiring.telling_wires import TellingWires

__all__ = ["Wiring", "process_name", "wire", "wire_served"]


class Wiring(DialingWires, TellingWires):
    """Everything one process may need for an account, made when first asked for."""


def wire(settings: Settings) -> tuple[Wiring, ...]:
    """Wire every account of an installation, its home first.

    Raises:
        SettingsError: The file of accounts is wrong, or this Redis cannot serve several.
    """
    first, *rest = read_accounts(settings)
    if (
        settings.dialer_accounts
        and settings.dialer_shared_phones
        and is_cluster(settings.redis_url)
    ):
        raise SettingsError(
            "REDIS_URL names a cluster, whose accounts live on different nodes and cannot keep one "
            "another from ringing one phone: set DIALER_SHARED_PHONES=false where no two of them "
            "have the same agents or customers, or use one server"
        )
    home = Wiring(first.settings, name=first.name)
    return (home, *(Wiring(one.settings, home=home, name=one.name) for one in rest))


def wire_served(settings: Settings) -> tuple[Wiring, ...]:
    """Wire the accounts that processes here serve, ready to dial.

    Raises:
        SettingsError: An account lacks something, or `DIALER_SERVES` names one that there is not.
    """
    wired = {one.name: one for one in wire(settings)}
    served = served_here(list(wired), settings.dialer_serves)
    require_all_dialling([Account(name, wired[name].settings) for name in served])
    return tuple(wired[name] for name in served)
