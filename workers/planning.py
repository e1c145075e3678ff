"""The forecast of a campaign that does not dial yet, on the account as it stands."""

from collections.abc import Iterable, Mapping

from campaigns.agents.team import Team
from campaigns.campaign_rules import CampaignRules
from campaigns.outlook.plan import AccountLimits, Assumptions, Plan, plan_campaign
from dialer.agents.workload import workload
from workers.instants import instant
from workers.wiring import Wiring


def planned(
    wiring: Wiring,
    rules: CampaignRules,
    of_agents: Mapping[str, int],
    of_teams: Iterable[tuple[Team, int]],
    *,
    at_s: float,
    assumptions: Assumptions,
) -> Plan:
    """Forecast a campaign that starts at an instant.

    Args:
        of_agents: Contacts by the agent's number; and `of_teams` those that a team shares.
    """
    settings = wiring.settings
    work = workload(wiring.db, of_agents, of_teams)
    return plan_campaign(
        rules,
        work.contacts.values(),
        busiest=work.busiest,
        account=AccountLimits(
            settings.exotel_rate_limit,
            settings.exotel_rate_window_s,
            settings.exotel_max_concurrent_calls,
        ),
        assumptions=assumptions,
        at=instant(at_s),
    )
