"""Contacts of a campaign as a list that can be loaded again, each with where it came from."""

import csv
from collections.abc import Collection, Iterable, Sequence
from typing import TextIO

from campaigns.agents.team import Team
from campaigns.attempt import Outcome
from campaigns.contact_state import ContactState, NotDialled
from campaigns.lists.header import TEAM_ROLES
from campaigns.lists.number_columns import is_of_teams
from campaigns.plain_text import did_you_mean
from campaigns.sentence import told
from dialer.errors import NotDone
from dialer.reporting.reporting import ReportInput
from dialer.store import Campaign
from dialer.store.campaign import Counts
from dialer.store.snapshot import ContactLine

_OURS = ("contact_id", "agent", "customer")  # as in our reports, which are known by them

FOR_GOOD = frozenset(
    {
        *(Outcome.CONNECTED, Outcome.DND, Outcome.REFUSED),
        *(NotDialled.SUPPRESSED, NotDialled.COUNTRY_NOT_ALLOWED, NotDialled.SKIPPED),
    }
)
"""Ends after which nobody wants a contact called again, unless somebody says so."""


def ends_of(counts: Counts) -> dict[str, int]:
    """Give the ends that contacts of a campaign have, and how many each; the most frequent first."""
    found = sorted(counts.outcomes.items(), key=lambda one: (-one[1], one[0]))
    return {end: number for end, number in found if number}


def wanted_ends(counts: Counts, asked: Iterable[str]) -> list[str]:
    """Give the ends that are asked for; without any, all that mean: not reached.

    Raises:
        NotDone: One is no end of this campaign.
    """
    there, wanted = ends_of(counts), list(dict.fromkeys(asked))
    for end in wanted:
        if end not in {*Outcome, *NotDialled}:
            known = ", ".join(there) or "none yet"
            near = did_you_mean(end, [*Outcome, *NotDialled])
            raise NotDone(
                told(
                    "{end!r} is no end of a contact; this campaign has: {known}{near}",
                    end=end,
                    known=known,
                    near=near,
                )
            )
    return wanted or [end for end in there if end not in FOR_GOOD]


def write_again(source: ReportInput, file: TextIO, ends: Collection[str]) -> int:
    """Write the contacts that ended so, in the order of their list; gives how many.

    Raises:
        NotDone: None did, or their numbers were purged.
    """
    campaign = source.campaign
    if campaign.purged_at:
        raise NotDone(
            told(
                "the numbers of campaign {name} were purged: nobody can be called",
                name=campaign.name,
            )
        )
    found = (
        line
        for line in source.contacts
        if line.record.state is ContactState.FINAL and line.record.outcome in ends
    )
    number = write_list(file, campaign, found, named=_OURS)
    if not number:
        named = ", ".join(ends) or "unreached"
        raise NotDone(
            told("no contact of campaign {name} ended {named}", name=campaign.name, named=named)
        )
    return number


def write_list(
    file: TextIO, campaign: Campaign, lines: Iterable[ContactLine], *, named: Sequence[str]
) -> int:
    """Write contacts as a list: id, the two numbers, the team, and the columns of their own list.

    Args:
        named: The headings of the first three.
    """
    rows = csv.writer(file)
    taken = {one.casefold() for one in named}
    own = [
        at
        for at, name in enumerate(campaign.columns)
        if not is_of_teams(name) and name.strip().casefold() not in taken
    ]
    rows.writerow([*named, *TEAM_ROLES, *(campaign.columns[at] for at in own)])
    number = 0
    for line in lines:
        cells = dict(enumerate(line.row.cells))
        id_ = f"{campaign.id}-{line.n}"
        rows.writerow([id_, *_who(line), *(cells.get(at, "") for at in own)])
        number += 1
    return number


def _who(line: ContactLine) -> list[str]:
    """Write whom a contact is about as cells: agent, customer, and those of a team."""
    team = line.team or Team(agents=(line.record.agent,))
    agent, stand_ins = "".join(team.agents[:1]), ";".join(team.agents[1:])
    wanted = (";".join(words) for words in (team.languages, team.skills))
    return [agent, line.record.customer, team.group, stand_ins, *wanted]
