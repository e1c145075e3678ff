"""The agents of a rehearsal: those of a list, without their shifts, and somebody for every group."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import phonenumbers

from campaigns.agents.agent import Agent
from campaigns.agents.team import Team
from dialer.agents.registry import Registry
from dialer.loading.uploads import unchanged
from dialer.store.teams import Teams
from workers.wiring import Wiring

_OF_A_GROUP = 3


def take_agents(registry: Registry, file: Path) -> int:
    """Register the agents of a list: always on shift, without caps, as no midnight comes."""
    with unchanged(file) as opened:
        registry.load(opened)
    registry.put([replace(one, shift=None, most_calls_a_day=0) for one in registry.all()])
    return len(registry.all())


def people_groups(wiring: Wiring) -> list[str]:
    """Give every group that nobody belongs to some made-up agents; tells which."""
    registered = wiring.registry.all()
    deserted = [
        team
        for team in Teams(wiring.db).all().values()
        if team.group and not team.members_among(registered)
    ]
    number = _made_up(wiring.settings.dialer_default_country)
    for team in deserted:
        wiring.registry.put([_agent_of(team, one) for one in islice(number, _OF_A_GROUP)])
    return [str(team) for team in deserted]


def _agent_of(team: Team, number: str) -> Agent:
    return Agent(number, groups=(team.group,), languages=team.languages, skills=team.skills)


def _made_up(country: str) -> Iterator[str]:
    """Count numbers up from one that stands for the country's mobiles."""
    kind = phonenumbers.PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(country, kind) or _SOMEWHERE
    first = f"{example.country_code}{example.national_number}"
    return (f"+{one}" for one in count(int(first)))


_SOMEWHERE = phonenumbers.PhoneNumber(country_code=91, national_number=8123456789)
